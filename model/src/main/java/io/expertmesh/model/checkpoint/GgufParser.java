package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import io.expertmesh.model.failure.FailureException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads a GGUF file: header, metadata, tensor directory, data; versions 2 and 3, little-endian.
 *
 * <p>The format is described in ggml's docs/gguf.md. The limits on counts and lengths are far above what real models
 * have; with them a damaged file costs no more memory than a few times its own size.
 */
final class GgufParser {
  private static final int MAGIC = 0x46554747;
  private static final int ARRAY = 9;
  private static final long MAX_ENTRIES = 1 << 16;
  private static final long MAX_TENSORS = 1 << 20;
  private static final long MAX_NAME_BYTES = (1 << 16) - 1;
  private static final long MAX_TEXT_BYTES = 1 << 24;
  private static final long MAX_ELEMENTS = 1 << 22;
  private static final long MAX_METADATA_BYTES = 1 << 28;
  private static final long MAX_ALIGNMENT = 1 << 20;
  private static final int MAX_DIMENSIONS = 4;

  /** What the directory says of one tensor; {@code shape} slowest dimension first, {@code offset} from the data. */
  private record Entry(String name, DType dtype, List<Long> shape, long bytes, long offset) {}

  private final Path file;
  private final MemorySegment bytes;
  private final GgufCursor cursor;

  private GgufParser(Path file) {
    this.file = file;
    this.bytes = MappedFile.map(file);
    this.cursor = new GgufCursor(file, bytes);
  }

  static GgufMetadata metadata(Path file) {
    GgufParser parser = new GgufParser(file);
    parser.header();
    return parser.entries(parser.cursor.count("the number of metadata keys", MAX_ENTRIES));
  }

  static GgufFile file(Path file) {
    GgufParser parser = new GgufParser(file);
    long tensors = parser.header();
    GgufMetadata metadata = parser.entries(parser.cursor.count("the number of metadata keys", MAX_ENTRIES));
    return new GgufFile(metadata, parser.tensors(tensors, metadata));
  }

  /** Checks magic and version; the number of tensors. */
  private long header() {
    if (cursor.i32("the header") != MAGIC) {
      throw broken("does not start with GGUF; not a GGUF file");
    }
    int version = cursor.i32("the header");
    if ((version & 0xFFFF) == 0) {
      throw broken("is big-endian; only little-endian GGUF files are read");
    }
    if (version != 2 && version != 3) {
      throw broken("is GGUF version %s; versions 2 and 3 are read".formatted(Integer.toUnsignedString(version)));
    }
    return cursor.count("the number of tensors", MAX_TENSORS);
  }

  private GgufMetadata entries(long count) {
    Map<String, GgufValue> values = new LinkedHashMap<>();
    for (long i = 0; i < count; i++) {
      String key = cursor.text("metadata key " + i, MAX_NAME_BYTES);
      String what = "metadata key " + key;
      int type = cursor.i32(what);
      GgufValue value = type == ARRAY ? array(what) : scalar(type, what);
      if (values.put(key, value) != null) {
        throw broken("has the metadata key %s twice".formatted(key));
      }
      if (cursor.position() > MAX_METADATA_BYTES) {
        throw broken("has more than %d bytes of metadata".formatted(MAX_METADATA_BYTES));
      }
    }
    return new GgufMetadata(file, values);
  }

  private GgufValue scalar(int type, String what) {
    return switch (type) {
      case 0, 1, 2, 3, 4, 5, 10, 11 -> new GgufValue.Int(integer(type, what));
      case 6, 12 -> new GgufValue.Real(real(type, what));
      case 7 -> new GgufValue.Flag(flag(what));
      case 8 -> new GgufValue.Text(cursor.text(what, MAX_TEXT_BYTES));
      default -> throw broken("%s has the unknown type %s".formatted(what, Integer.toUnsignedString(type)));
    };
  }

  private GgufValue array(String what) {
    int type = cursor.i32(what);
    if (type == ARRAY) {
      throw broken("%s is an array of arrays, which is not supported".formatted(what));
    }
    int count = Math.toIntExact(cursor.count("the array length of " + what, MAX_ELEMENTS));
    if ((long) count * elementBytes(type, what) > cursor.remaining()) {
      throw broken("%s says that it has %d elements, but only %d bytes follow; copy or download it again"
          .formatted(what, count, cursor.remaining()));
    }
    return switch (type) {
      case 6, 12 -> {
        double[] values = new double[count];
        for (int i = 0; i < count; i++) {
          values[i] = real(type, what);
        }
        yield new GgufValue.Reals(values);
      }
      case 7 -> {
        boolean[] values = new boolean[count];
        for (int i = 0; i < count; i++) {
          values[i] = flag(what);
        }
        yield new GgufValue.Flags(values);
      }
      case 8 -> {
        List<String> values = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
          values.add(cursor.text(what, MAX_TEXT_BYTES));
        }
        yield new GgufValue.Texts(values);
      }
      default -> {
        long[] values = new long[count];
        for (int i = 0; i < count; i++) {
          values[i] = integer(type, what);
        }
        yield new GgufValue.Ints(values);
      }
    };
  }

  /** Bytes that an array element takes at least. */
  private int elementBytes(int type, String what) {
    return switch (type) {
      case 0, 1, 7 -> 1;
      case 2, 3 -> 2;
      case 4, 5, 6 -> 4;
      case 8, 10, 11, 12 -> 8;
      default -> throw broken("%s is an array of the unknown type %s".formatted(what, Integer.toUnsignedString(type)));
    };
  }

  private long integer(int type, String what) {
    return switch (type) {
      case 0 -> Byte.toUnsignedLong(cursor.i8(what));
      case 1 -> cursor.i8(what);
      case 2 -> Short.toUnsignedLong(cursor.i16(what));
      case 3 -> cursor.i16(what);
      case 4 -> Integer.toUnsignedLong(cursor.i32(what));
      case 5 -> cursor.i32(what);
      case 10 -> cursor.count(what, Long.MAX_VALUE);
      default -> cursor.i64(what);
    };
  }

  private double real(int type, String what) {
    // An f32 becomes the double with the same shortest decimal: 1e-5f reads as 1e-5.
    return type == 6
        ? Double.parseDouble(Float.toString(Float.intBitsToFloat(cursor.i32(what))))
        : Double.longBitsToDouble(cursor.i64(what));
  }

  private boolean flag(String what) {
    byte value = cursor.i8(what);
    if (value != 0 && value != 1) {
      throw broken("%s is the bool %d; 0 or 1 is possible".formatted(what, value));
    }
    return value == 1;
  }

  private Map<String, Tensor> tensors(long count, GgufMetadata metadata) {
    long alignment = alignment(metadata);
    Set<String> names = new LinkedHashSet<>();
    List<Entry> entries = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      Entry entry = entry(i);
      if (!names.add(entry.name())) {
        throw broken("has tensor %s twice".formatted(entry.name()));
      }
      entries.add(entry);
    }
    long start = align(cursor.position(), alignment);
    long available = Math.max(0, bytes.byteSize() - start);
    checkLayout(entries, alignment, available);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Entry entry : entries) {
      tensors.put(entry.name(), new Tensor(entry.name(), entry.dtype(), entry.shape(),
          bytes.asSlice(start + entry.offset(), entry.bytes())));
    }
    return tensors;
  }

  private long alignment(GgufMetadata metadata) {
    long alignment = metadata.integer("general.alignment").orElse(32);
    if (alignment < 1 || alignment > MAX_ALIGNMENT || Long.bitCount(alignment) != 1) {
      throw broken("general.alignment is %d; a power of two up to %d is possible".formatted(alignment, MAX_ALIGNMENT));
    }
    return alignment;
  }

  private Entry entry(long index) {
    String name = cursor.text("the name of tensor " + index, MAX_NAME_BYTES);
    String what = "tensor " + name;
    int dimensions = cursor.i32(what);
    if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
      throw broken("%s has %s dimensions; 1 to %d are possible"
          .formatted(what, Integer.toUnsignedString(dimensions), MAX_DIMENSIONS));
    }
    List<Long> shape = new ArrayList<>();
    for (int i = 0; i < dimensions; i++) {
      shape.add(cursor.count("a dimension of " + what, Long.MAX_VALUE));
    }
    Collections.reverse(shape);
    int type = cursor.i32(what);
    DType dtype = GgmlType.dtype(type).orElseThrow(() -> broken("%s is of type %s; these are read: %s"
        .formatted(what, GgmlType.name(type), GgmlType.supported())));
    long offset = cursor.count("the offset of " + what, Long.MAX_VALUE);
    return new Entry(name, dtype, List.copyOf(shape), size(what, dtype, shape), offset);
  }

  private long size(String what, DType dtype, List<Long> shape) {
    if (shape.contains(0L) || shape.getLast() % dtype.blockElements() != 0) {
      throw broken("%s has the shape %s, impossible for %s in blocks of %d".formatted(what, shape, dtype,
          dtype.blockElements()));
    }
    try {
      long elements = 1;
      for (long dimension : shape) {
        elements = Math.multiplyExact(elements, dimension);
      }
      return dtype.bytes(elements);
    } catch (ArithmeticException e) {
      throw InvalidCheckpoint.in(file, "%s has the impossible shape %s".formatted(what, shape), e);
    }
  }

  /** As llama.cpp requires: in the directory's order, each at the next aligned offset. */
  private void checkLayout(List<Entry> entries, long alignment, long available) {
    long expected = 0;
    long end = 0;
    for (Entry entry : entries) {
      if (entry.offset() != expected) {
        throw broken("tensor %s lies at offset %d, but the tensors before it end at %d"
            .formatted(entry.name(), entry.offset(), expected));
      }
      if (entry.bytes() > available - expected) {
        throw broken("tensor %s lies at bytes %d to %d, but only %d bytes of tensors are there; copy or download the "
            .formatted(entry.name(), entry.offset(), entry.offset() + entry.bytes(), available) + "file again");
      }
      end = expected + entry.bytes();
      expected = align(end, alignment);
    }
    if (available > expected) {
      throw broken("%d bytes after the last tensor belong to no tensor".formatted(available - end));
    }
  }

  private static long align(long position, long alignment) {
    return (position + alignment - 1) & -alignment;
  }

  private FailureException broken(String problem) {
    return InvalidCheckpoint.in(file, problem);
  }
}
