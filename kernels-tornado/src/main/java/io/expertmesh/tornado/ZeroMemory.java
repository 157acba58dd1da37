package io.expertmesh.tornado;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/**
 * Memory that reads as zeros and takes none until it is written to. TornadoVM wants an array in the host's memory for
 * every one in the device's; those of the weights are never looked at again.
 */
final class ZeroMemory {
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_PRIVATE = 2;

  private ZeroMemory() {}

  /** {@code bytes} bytes that live as long as somebody knows them. */
  static MemorySegment map(long bytes) {
    String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    if (system.contains("windows")) {
      return Arena.ofAuto().allocate(bytes, 64);
    }
    // MAP_ANONYMOUS, and on Linux MAP_NORESERVE.
    int flags = MAP_PRIVATE | (system.contains("mac") ? 0x1000 : 0x20 | 0x4000);
    Linker linker = Linker.nativeLinker();
    SymbolLookup symbols = linker.defaultLookup();
    try {
      MethodHandle mmap = linker.downcallHandle(symbols.findOrThrow("mmap"),
          FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));
      MethodHandle munmap = linker.downcallHandle(symbols.findOrThrow("munmap"),
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
      MemorySegment memory = (MemorySegment) mmap.invokeExact(MemorySegment.NULL, bytes, PROT_READ_WRITE, flags, -1,
          0L);
      if (memory.address() == -1) {
        throw new OutOfMemoryError("no address space for %d bytes".formatted(bytes));
      }
      return memory.reinterpret(bytes, Arena.ofAuto(), mapped -> unmap(munmap, mapped, bytes));
    } catch (RuntimeException | Error failure) {
      throw failure;
    } catch (Throwable failure) {
      throw new IllegalStateException(failure);
    }
  }

  private static void unmap(MethodHandle munmap, MemorySegment memory, long bytes) {
    try {
      int result = (int) munmap.invokeExact(memory, bytes);
      assert result == 0 : result;
    } catch (RuntimeException | Error failure) {
      throw failure;
    } catch (Throwable failure) {
      throw new IllegalStateException(failure);
    }
  }
}
