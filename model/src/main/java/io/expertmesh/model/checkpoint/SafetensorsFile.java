package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One safetensors file: u64 header length, JSON header, then the tensors' bytes without gap or overlap.
 *
 * <p>Everything the header says is checked against the file before a tensor is handed out. The format is described in
 * the README of huggingface/safetensors; the limits are those of its reference implementation.
 */
final class SafetensorsFile {
  /** What the reference implementation accepts at most. */
  static final long MAX_HEADER_BYTES = 100_000_000;
  private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private SafetensorsFile() {}

  /** The tensors of {@code file}, mapped, in the order of their bytes. */
  static Map<String, Tensor> open(Path file) {
    MemorySegment bytes = MappedFile.map(file);
    long size = bytes.byteSize();
    if (size < Long.BYTES) {
      throw InvalidCheckpoint.in(file,
          "is %d bytes long, too short for a safetensors file; copy or download it again".formatted(size));
    }
    long headerBytes = bytes.get(U64, 0);
    if (headerBytes < 2 || headerBytes > MAX_HEADER_BYTES) {
      throw InvalidCheckpoint.in(file,
          "says that its header has %s bytes (2 to %d are possible); not a safetensors file?"
              .formatted(Long.toUnsignedString(headerBytes), MAX_HEADER_BYTES));
    }
    if (headerBytes > size - Long.BYTES) {
      throw InvalidCheckpoint.in(file,
          "says that its header has %d bytes, but only %d follow; copy or download it again"
              .formatted(headerBytes, size - Long.BYTES));
    }
    byte[] header = bytes.asSlice(Long.BYTES, headerBytes).toArray(ValueLayout.JAVA_BYTE);
    List<SafetensorsHeader.Entry> entries = SafetensorsHeader.parse(file, header);
    return slice(file, entries, bytes.asSlice(Long.BYTES + headerBytes));
  }

  private static Map<String, Tensor> slice(Path file, List<SafetensorsHeader.Entry> entries, MemorySegment data) {
    List<SafetensorsHeader.Entry> inOrder = new ArrayList<>(entries);
    inOrder
        .sort(Comparator.comparingLong(SafetensorsHeader.Entry::begin).thenComparingLong(SafetensorsHeader.Entry::end));
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    long position = 0;
    String previous = "the header";
    for (SafetensorsHeader.Entry entry : inOrder) {
      String name = entry.name();
      if (entry.end() > data.byteSize()) {
        throw InvalidCheckpoint.in(file,
            "tensor %s lies at bytes %d to %d, but only %d bytes of tensors are there; copy or download the file again"
                .formatted(name, entry.begin(), entry.end(), data.byteSize()));
      }
      if (entry.begin() < position) {
        throw InvalidCheckpoint.in(file, "tensor %s starts at byte %d and overlaps %s, which ends at byte %d"
            .formatted(name, entry.begin(), previous, position));
      }
      if (entry.begin() > position) {
        throw InvalidCheckpoint.in(file, "%d bytes between %s and tensor %s belong to no tensor"
            .formatted(entry.begin() - position, previous, name));
      }
      DType dtype = dtype(file, entry);
      List<Long> shape = ScaledTensors.elementShape(entry, dtype);
      checkSize(file, entry, shape, dtype);
      tensors.put(name, new Tensor(name, dtype, shape, data.asSlice(entry.begin(), entry.end() - entry.begin())));
      position = entry.end();
      previous = "tensor " + name;
    }
    if (position != data.byteSize()) {
      throw InvalidCheckpoint.in(file, "%d bytes after %s belong to no tensor"
          .formatted(data.byteSize() - position, previous));
    }
    return tensors;
  }

  private static DType dtype(Path file, SafetensorsHeader.Entry entry) {
    return switch (entry.dtype()) {
      case "F32" -> DType.F32;
      case "F16" -> DType.F16;
      case "BF16" -> DType.BF16;
      case "F8_E4M3" -> DType.F8_E4M3;
      case "F8_E8M0" -> DType.F8_E8M0;
      case "U8" -> ScaledTensors.mxfp4Part(entry)
          .orElseThrow(() -> InvalidCheckpoint.in(file, "tensor %s has dtype U8, which is read in MXFP4 weights only "
              .formatted(entry.name()) + "(..._blocks with ..._scales)"));
      default ->
        throw InvalidCheckpoint.in(file, "tensor %s has dtype %s; F32, F16, BF16, F8_E4M3 with block scales and "
            .formatted(entry.name(), entry.dtype()) + "MXFP4 in U8 are supported");
    };
  }

  private static void checkSize(Path file, SafetensorsHeader.Entry entry, List<Long> shape, DType dtype) {
    long expected;
    try {
      long elements = 1;
      for (long dimension : shape) {
        elements = Math.multiplyExact(elements, dimension);
      }
      expected = dtype.bytes(elements);
    } catch (ArithmeticException e) {
      throw InvalidCheckpoint.in(file, "tensor %s has the impossible shape %s".formatted(entry.name(), entry.shape()),
          e);
    }
    if (expected != entry.end() - entry.begin()) {
      throw InvalidCheckpoint.in(file, "tensor %s is %s %s and needs %d bytes, but its offsets give it %d"
          .formatted(entry.name(), dtype, entry.shape(), expected, entry.end() - entry.begin()));
    }
  }
}
