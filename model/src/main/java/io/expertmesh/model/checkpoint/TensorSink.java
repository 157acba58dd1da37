package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Where tensors are written one after the other, through one buffer. */
final class TensorSink implements Closeable {
  /** Elements that are converted at a time; a whole number of blocks of every type. */
  static final int CHUNK = 1 << 16;

  /** Writes one tensor's elements in the type it was announced with. */
  @FunctionalInterface
  interface Source {
    void writeTo(TensorSink sink) throws IOException;
  }

  private final FileChannel channel;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 22).order(ByteOrder.LITTLE_ENDIAN);
  private final MemorySegment memory = MemorySegment.ofBuffer(buffer.duplicate());
  private final float[] floats = new float[CHUNK];
  private final Progress progress;
  private final String task;
  private final long total;

  /** Creates {@code file}, which will have about {@code total} bytes. */
  TensorSink(Path file, String task, long total, Progress progress) throws IOException {
    this.channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    this.total = total;
    this.progress = progress;
    this.task = task;
  }

  /** Bytes written so far. */
  long position() throws IOException {
    return channel.position() + buffer.position();
  }

  void write(byte[] bytes) throws IOException {
    write(MemorySegment.ofArray(bytes));
  }

  void write(MemorySegment bytes) throws IOException {
    for (long done = 0; done < bytes.byteSize();) {
      if (!buffer.hasRemaining()) {
        flush();
      }
      int length = (int) Math.min(buffer.remaining(), bytes.byteSize() - done);
      MemorySegment.copy(bytes, done, memory, buffer.position(), length);
      buffer.position(buffer.position() + length);
      done += length;
    }
  }

  /** Zeros up to the next multiple of {@code alignment}. */
  void align(int alignment) throws IOException {
    write(new byte[(int) (-position() & (alignment - 1))]);
  }

  /** {@code tensor}'s elements as {@code dtype}. */
  void write(Tensor tensor, DType dtype) throws IOException {
    if (tensor.dtype() == dtype && tensor.isPlain()) {
      write(tensor.data());
      return;
    }
    long elements = tensor.elements();
    for (long done = 0; done < elements; done += CHUNK) {
      int count = (int) Math.min(CHUNK, elements - done);
      Quantizer.toFloats(tensor, done, floats, count);
      write(tensor.name(), floats, count, dtype);
    }
  }

  /**
   * {@code values[0, count)}, at most {@link #CHUNK}, as {@code dtype}.
   *
   * @throws ArithmeticException if a value does not fit; the message names {@code tensor}
   */
  void write(String tensor, float[] values, int count, DType dtype) throws IOException {
    int bytes = Math.toIntExact(dtype.bytes(count));
    if (buffer.remaining() < bytes) {
      flush();
    }
    try {
      Quantizer.fromFloats(values, count, dtype, memory, buffer.position());
    } catch (ArithmeticException e) {
      throw new ArithmeticException("tensor %s %s".formatted(tensor, e.getMessage()));
    }
    buffer.position(buffer.position() + bytes);
  }

  @Override
  public void close() throws IOException {
    try (channel) {
      flush();
      channel.force(true);
    }
  }

  private void flush() throws IOException {
    buffer.flip();
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
    buffer.clear();
    progress.update(task, channel.position(), Math.max(total, channel.position()));
  }
}
