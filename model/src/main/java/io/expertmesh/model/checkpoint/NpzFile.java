package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.failure.IoReason;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Arrays that {@code numpy.savez} wrote: a zip archive of {@code .npy} files, whose format is described in
 * {@code numpy/lib/format.py}. An array is read when it is asked for.
 */
final class NpzFile implements Closeable {
  private static final int MAX_HEADER_BYTES = 1 << 16;
  private static final int MAX_ARRAYS = 1 << 20;
  private static final int MAX_DIMENSIONS = 8;
  private static final String EXTENSION = ".npy";
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  /** As numpy writes it: always these keys in this order. */
  private static final Pattern HEADER = Pattern.compile(
      "\\{'descr': '([^']*)', 'fortran_order': (True|False), "
          + "'shape': \\(((?:\\d{1,18}(?:, ?|,?(?=\\)))){0,32})\\),? *\\}\\s*");

  /**
   * @param offset of the first element in the entry
   */
  private record Entry(ZipEntry zip, DType dtype, List<Long> shape, long offset) {}

  private final Path file;
  private final ZipFile zip;
  private final Map<String, Entry> entries = new LinkedHashMap<>();

  /** Reads the header of every array. */
  NpzFile(Path file) {
    this.file = file;
    if (!Files.exists(file)) {
      throw new FailureException(FailureCategory.NOT_FOUND, file + ": no such file");
    }
    try {
      this.zip = new ZipFile(file.toFile());
    } catch (IOException e) {
      throw InvalidCheckpoint.in(file, "is not a whole .npz archive (" + IoReason.of(e) + ")", e);
    }
    try {
      readHeaders();
    } catch (IOException e) {
      closeQuietly(e);
      throw InvalidCheckpoint.in(file, "cannot be read (" + IoReason.of(e) + ")", e);
    } catch (RuntimeException e) {
      closeQuietly(e);
      throw e;
    }
  }

  private void closeQuietly(Exception cause) {
    try {
      zip.close();
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }

  private void readHeaders() throws IOException {
    if (zip.size() > MAX_ARRAYS) {
      throw InvalidCheckpoint.in(file, "has %d arrays; at most %d are read".formatted(zip.size(), MAX_ARRAYS));
    }
    for (ZipEntry entry : Collections.list(zip.entries())) {
      String name = entry.getName();
      if (!name.endsWith(EXTENSION)) {
        throw InvalidCheckpoint.in(file, "holds %s, which is no .npy array".formatted(name));
      }
      String array = name.substring(0, name.length() - EXTENSION.length());
      if (entries.put(array, header(array, entry)) != null) {
        throw InvalidCheckpoint.in(file, "has the array %s twice".formatted(array));
      }
    }
  }

  private Entry header(String name, ZipEntry entry) throws IOException {
    try (DataInputStream in = new DataInputStream(zip.getInputStream(entry))) {
      byte[] magic = in.readNBytes(MAGIC.length);
      int version = in.read();
      int minor = in.read();
      int length = Short.toUnsignedInt(Short.reverseBytes(in.readShort()));
      int start = MAGIC.length + 4;
      if (version > 1) {
        length |= Short.toUnsignedInt(Short.reverseBytes(in.readShort())) << 16;
        start += 2;
      }
      if (!Arrays.equals(magic, MAGIC) || version < 1 || version > 3 || minor != 0 || length < 0
          || length > MAX_HEADER_BYTES) {
        throw InvalidCheckpoint.in(file, "array %s is not in numpy's format, versions 1 to 3".formatted(name));
      }
      Matcher header = HEADER.matcher(new String(in.readNBytes(length), StandardCharsets.UTF_8));
      if (!header.matches()) {
        throw InvalidCheckpoint.in(file, "array %s has a header that numpy does not write".formatted(name));
      }
      if (header.group(2).equals("True")) {
        throw InvalidCheckpoint.in(file, "array %s is in Fortran order; save numpy.ascontiguousarray of it"
            .formatted(name));
      }
      Entry read = new Entry(entry, dtype(name, header.group(1)), shape(name, header.group(3)), start + (long) length);
      long needed = read.offset() + bytes(name, read);
      if (entry.getSize() != needed) {
        throw InvalidCheckpoint.in(file, "array %s is %s %s and needs %d bytes, but has %d; copy or download it again"
            .formatted(name, read.dtype(), read.shape(), needed, entry.getSize()));
      }
      return read;
    }
  }

  private DType dtype(String name, String descr) {
    return switch (descr) {
      case "<f4" -> DType.F32;
      case "<f2" -> DType.F16;
      case "|V2", "<V2" -> DType.BF16; // numpy has no bfloat16 and saves it as two opaque bytes
      default -> throw InvalidCheckpoint.in(file,
          "array %s has the type %s; float32, float16 and bfloat16 are supported".formatted(name, descr));
    };
  }

  private List<Long> shape(String name, String text) {
    List<Long> shape = new ArrayList<>();
    for (String dimension : text.split(",", -1)) {
      if (!dimension.isBlank()) {
        shape.add(Long.parseLong(dimension.strip()));
      }
    }
    if (shape.size() > MAX_DIMENSIONS) {
      throw InvalidCheckpoint.in(file, "array %s has %d dimensions; at most %d are possible"
          .formatted(name, shape.size(), MAX_DIMENSIONS));
    }
    return shape;
  }

  private long bytes(String name, Entry entry) {
    try {
      long elements = 1;
      for (long dimension : entry.shape()) {
        elements = Math.multiplyExact(elements, dimension);
      }
      return entry.dtype().bytes(elements);
    } catch (ArithmeticException e) {
      throw InvalidCheckpoint.in(file, "array %s has the impossible shape %s".formatted(name, entry.shape()), e);
    }
  }

  /** Shapes by name. */
  Map<String, List<Long>> shapes() {
    Map<String, List<Long>> shapes = new LinkedHashMap<>();
    entries.forEach((name, entry) -> shapes.put(name, entry.shape()));
    return shapes;
  }

  DType dtype(String name) {
    return entry(name).dtype();
  }

  private Entry entry(String name) {
    return Objects.requireNonNull(entries.get(name), name);
  }

  /** The array {@code name}, in memory of {@code arena}. */
  Tensor read(String name, Arena arena) throws IOException {
    Entry entry = entry(name);
    MemorySegment data = arena.allocate(bytes(name, entry), Long.BYTES);
    try (InputStream in = zip.getInputStream(entry.zip())) {
      in.skipNBytes(entry.offset());
      byte[] buffer = new byte[1 << 20];
      for (long done = 0; done < data.byteSize();) {
        int count = in.read(buffer, 0, (int) Math.min(buffer.length, data.byteSize() - done));
        if (count < 0) {
          throw InvalidCheckpoint.in(file, "array %s ends too early; copy or download the file again".formatted(name));
        }
        MemorySegment.copy(MemorySegment.ofArray(buffer), 0, data, done, count);
        done += count;
      }
    }
    return new Tensor(name, entry.dtype(), entry.shape(), data);
  }

  @Override
  public void close() throws IOException {
    zip.close();
  }
}
