package io.expertmesh.transport;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.DType;
import io.expertmesh.proto.v1.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/** Rows of floats as a tensor's raw little-endian bytes, and back. */
public final class TensorBytes {
  private TensorBytes() {}

  /**
   * Packs rows.
   *
   * @param rows which rows of {@code values}, in this order
   * @param values (any, cols)
   */
  public static Tensor pack(int[] rows, float[] values, int cols, DType dtype) {
    byte[] bytes = new byte[Math.multiplyExact(rows.length * cols, size(dtype))];
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    if (dtype == DType.D_TYPE_F32) {
      FloatBuffer floats = buffer.asFloatBuffer();
      for (int row : rows) {
        floats.put(values, row * cols, cols);
      }
    } else {
      for (int row : rows) {
        for (int i = row * cols; i < (row + 1) * cols; i++) {
          buffer.putShort(bfloat16(values[i]));
        }
      }
    }
    return Tensor.newBuilder().setDtype(dtype).addShape(rows.length).addShape(cols)
        .setData(UnsafeByteOperations.unsafeWrap(bytes)).build();
  }

  /** The bits of the nearest bf16, ties to even; what is not a number stays none. */
  public static short bfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  /**
   * Unpacks the rows of a tensor of shape (rows.length, cols).
   *
   * @param rows where each row goes in {@code values}
   * @param values (any, cols)
   * @throws FailureException INVALID_REQUEST if type, shape or bytes are not as expected
   */
  public static void unpack(Tensor tensor, int[] rows, float[] values, int cols) {
    require(tensor, rows.length, cols);
    ByteBuffer buffer = tensor.getData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    if (tensor.getDtype() == DType.D_TYPE_F32) {
      FloatBuffer floats = buffer.asFloatBuffer();
      for (int row : rows) {
        floats.get(values, row * cols, cols);
      }
    } else {
      for (int row : rows) {
        for (int i = row * cols; i < (row + 1) * cols; i++) {
          values[i] = Float.intBitsToFloat(buffer.getShort() << 16);
        }
      }
    }
  }

  /**
   * Unpacks consecutive rows of a tensor that {@link #require} has accepted to consecutive rows.
   *
   * @param row first row of the tensor
   * @param values (any, cols)
   * @param to where the first row goes in {@code values}
   */
  public static void copyRows(Tensor tensor, int row, int rows, int cols, float[] values, int to) {
    ByteBuffer buffer = tensor.getData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    if (tensor.getDtype() == DType.D_TYPE_F32) {
      buffer.asFloatBuffer().get(row * cols, values, to * cols, rows * cols);
    } else {
      for (int i = 0; i < rows * cols; i++) {
        values[to * cols + i] = Float.intBitsToFloat(buffer.getShort((row * cols + i) * Short.BYTES) << 16);
      }
    }
  }

  /** Whether all numbers of a tensor that {@link #require} has accepted are finite. */
  public static boolean finite(Tensor tensor) {
    ByteBuffer buffer = tensor.getData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    int sign = 0; // stays clear while every exponent is below the one of infinity
    if (tensor.getDtype() == DType.D_TYPE_F32) {
      IntBuffer bits = buffer.asIntBuffer();
      int[] part = new int[Math.min(1024, bits.remaining())];
      while (bits.hasRemaining()) {
        int count = Math.min(part.length, bits.remaining());
        bits.get(part, 0, count);
        for (int i = 0; i < count; i++) {
          sign |= 0x7f7fffff - (part[i] & 0x7fffffff);
        }
      }
    } else {
      while (buffer.hasRemaining()) {
        sign |= 0x7f7f - (buffer.getShort() & 0x7fff);
      }
    }
    return sign >= 0;
  }

  /**
   * Checks a tensor against the shape that it must have.
   *
   * @throws FailureException INVALID_REQUEST
   */
  public static void require(Tensor tensor, int rows, int cols) {
    if (tensor.getShapeCount() != 2 || tensor.getShape(0) != rows || tensor.getShape(1) != cols) {
      throw invalid("a tensor has shape %s, not [%d, %d]".formatted(tensor.getShapeList(), rows, cols));
    }
    if (tensor.getDtype() != DType.D_TYPE_F32 && tensor.getDtype() != DType.D_TYPE_BF16) {
      throw invalid("a tensor's type is %d, neither F32 nor BF16".formatted(tensor.getDtypeValue()));
    }
    ByteString data = tensor.getData();
    long expected = (long) rows * cols * size(tensor.getDtype());
    if (data.size() != expected) {
      throw invalid("a tensor of shape [%d, %d] has %d bytes, not %d".formatted(rows, cols, data.size(), expected));
    }
  }

  private static int size(DType dtype) {
    return switch (dtype) {
      case D_TYPE_F32 -> Float.BYTES;
      case D_TYPE_BF16 -> Short.BYTES;
      default -> throw invalid("tensors cannot be of type " + dtype);
    };
  }

  private static FailureException invalid(String message) {
    return new FailureException(FailureCategory.INVALID_REQUEST, message);
  }
}
