package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import io.expertmesh.model.failure.FailureException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes a GGUF file, version 3, alignment 32. First the metadata are put and the tensors named, then {@link #write}
 * streams the tensors one after the other.
 */
public final class GgufWriter {
  private static final int ALIGNMENT = 32;
  private static final int MAGIC = 0x46554747;
  private static final int VERSION = 3;

  private record Announced(String name, long bytes, TensorSink.Source source) {}

  private final GgufBytes metadata = new GgufBytes();
  private final GgufBytes directory = new GgufBytes();
  private final List<Announced> tensors = new ArrayList<>();
  private long keys;
  private long offset;

  public GgufWriter(String architecture) {
    text("general.architecture", architecture);
  }

  public void u32(String key, long value) {
    if (value < 0 || value > 0xFFFF_FFFFL) {
      throw new IllegalArgumentException("%s = %d is not a u32".formatted(key, value));
    }
    key(key).i32(4).i32((int) value);
  }

  public void f32(String key, double value) {
    key(key).i32(6).f32((float) value);
  }

  public void flag(String key, boolean value) {
    key(key).i32(7).i8(value ? 1 : 0);
  }

  public void text(String key, String value) {
    key(key).i32(8).text(value);
  }

  public void texts(String key, List<String> values) {
    array(key, 8, values.size());
    values.forEach(metadata::text);
  }

  public void i32s(String key, int[] values) {
    array(key, 5, values.length);
    for (int value : values) {
      metadata.i32(value);
    }
  }

  public void f32s(String key, float[] values) {
    array(key, 6, values.length);
    for (float value : values) {
      metadata.f32(value);
    }
  }

  /** A value as it was read; whole numbers are u32 or i32 where they fit. */
  public void value(String key, GgufValue value) {
    switch (value) {
      case GgufValue.Int(long number) when number >= 0 && number <= 0xFFFF_FFFFL -> u32(key, number);
      case GgufValue.Int(long number) -> key(key).i32(11).i64(number);
      case GgufValue.Real(double number) -> f32(key, number);
      case GgufValue.Flag(boolean flag) -> flag(key, flag);
      case GgufValue.Text(String text) -> text(key, text);
      case GgufValue.Texts(List<String> texts) -> texts(key, texts);
      case GgufValue.Ints(long[] numbers) -> {
        array(key, 5, numbers.length);
        for (long number : numbers) {
          metadata.i32(Math.toIntExact(number));
        }
      }
      case GgufValue.Reals(double[] numbers) -> {
        array(key, 6, numbers.length);
        for (double number : numbers) {
          metadata.f32((float) number);
        }
      }
      case GgufValue.Flags(boolean[] flags) -> {
        array(key, 7, flags.length);
        for (boolean flag : flags) {
          metadata.i8(flag ? 1 : 0);
        }
      }
    }
  }

  /** Announces {@code tensor}, to be written as it is. */
  public void tensor(Tensor tensor) {
    tensor(tensor.name(), tensor.dtype(), tensor.shape(), sink -> sink.write(tensor, tensor.dtype()));
  }

  /**
   * Announces a tensor.
   *
   * @param shape slowest dimension first
   */
  void tensor(String name, DType dtype, List<Long> shape, TensorSink.Source source) {
    long elements = 1;
    for (long dimension : shape) {
      elements = Math.multiplyExact(elements, dimension);
    }
    directory.text(name).i32(shape.size());
    shape.reversed().forEach(directory::i64);
    directory.i32(GgmlType.id(dtype)).i64(offset);
    long bytes = dtype.bytes(elements);
    tensors.add(new Announced(name, bytes, source));
    offset = aligned(offset + bytes);
  }

  /** Bytes of the whole file. */
  public long size() {
    return aligned(24L + metadata.size() + directory.size()) + offset;
  }

  /**
   * Writes the file beside {@code target} and then gives it its name.
   *
   * @throws FailureException if the disk has no room or the file cannot be written
   */
  public void write(Path target, Progress progress) {
    Disk.requireSpace(target, size());
    Disk.write(target, temporary -> {
      try (TensorSink sink = new TensorSink(temporary, String.valueOf(target.getFileName()), size(), progress)) {
        sink.write(new GgufBytes().i32(MAGIC).i32(VERSION).i64(tensors.size()).i64(keys).toByteArray());
        sink.write(metadata.toByteArray());
        sink.write(directory.toByteArray());
        sink.align(ALIGNMENT);
        for (Announced tensor : tensors) {
          long start = sink.position();
          tensor.source().writeTo(sink);
          if (sink.position() - start != tensor.bytes()) {
            throw new IllegalStateException("%s was announced with %d bytes, but %d were written"
                .formatted(tensor.name(), tensor.bytes(), sink.position() - start));
          }
          sink.align(ALIGNMENT);
        }
      }
    });
  }

  private GgufBytes key(String key) {
    keys++;
    return metadata.text(key);
  }

  private void array(String key, int type, int count) {
    key(key).i32(9).i32(type).i64(count);
  }

  private static long aligned(long position) {
    return (position + ALIGNMENT - 1) & -ALIGNMENT;
  }
}
