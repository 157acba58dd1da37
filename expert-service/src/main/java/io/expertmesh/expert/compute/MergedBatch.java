package io.expertmesh.expert.compute;

import com.google.protobuf.UnsafeByteOperations;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.device.LoadedExpert;
import io.expertmesh.proto.v1.DType;
import io.expertmesh.proto.v1.Tensor;
import io.expertmesh.transport.TensorBytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Several batches for the same layer, computed as one: the rows of all of them for the same expert stand together, so
 * that its weights are read once. A row's result does not depend on the rows beside it. For one thread; its buffers are
 * used again.
 */
final class MergedBatch {
  private final int hidden;
  private final WorkerPool pool;
  private final ExpertForward device;
  /** By expert id: its rows, then where its next row goes. */
  private final int[] cursor;
  private final @Nullable LoadedExpert[] loaded;
  private final List<LoadedExpert> active = new ArrayList<>();
  private final int[] starts;
  /** Of each batch's experts, one batch after the other: where their rows begin. */
  private int[] segments = new int[0];
  private int[] tokens = new int[0];
  private Batch[] sources = new Batch[0];
  private float[] x = new float[0];
  private float[] out = new float[0];

  MergedBatch(BatchLimits limits, WorkerPool pool, ExpertForward device) {
    this.hidden = limits.hidden();
    this.pool = pool;
    this.device = device;
    this.cursor = new int[limits.experts()];
    this.loaded = new @Nullable LoadedExpert[limits.experts()];
    this.starts = new int[limits.experts() + 1];
  }

  /** Computes {@code batches}, which are for the same layer. */
  void compute(List<Batch> batches) {
    int rows = group(batches);
    place(batches, rows);
    pool.ranges(rows, 16, (from, to, worker) -> {
      for (int row = from; row < to; row++) {
        sources[row].copyToken(tokens[row], hidden, x, row * hidden);
      }
    });
    try {
      device.forward(active, starts, x, out);
    } finally {
      active.clear();
      Arrays.fill(loaded, null);
      Arrays.fill(sources, 0, rows, null);
    }
  }

  /** Decides which experts are active and where their rows begin. Returns the rows of all. */
  private int group(List<Batch> batches) {
    Arrays.fill(cursor, 0);
    int experts = 0;
    for (Batch batch : batches) {
      for (int i = 0; i < batch.expertIds.length; i++) {
        cursor[batch.expertIds[i]] += batch.starts[i + 1] - batch.starts[i];
        loaded[batch.expertIds[i]] = batch.experts[i].loaded;
      }
      experts += batch.expertIds.length;
    }
    if (segments.length < experts) {
      segments = new int[experts];
    }
    int rows = 0;
    for (int id = 0; id < cursor.length; id++) {
      LoadedExpert expert = loaded[id];
      if (expert != null) {
        int first = rows;
        rows += cursor[id];
        cursor[id] = first;
        active.add(expert);
        starts[active.size()] = rows;
      }
    }
    return rows;
  }

  /** Decides of each row which token of which batch it is. */
  private void place(List<Batch> batches, int rows) {
    if (tokens.length < rows) {
      tokens = new int[rows];
      sources = new Batch[rows];
      x = new float[rows * hidden];
      out = new float[rows * hidden];
    }
    int segment = 0;
    for (Batch batch : batches) {
      for (int i = 0; i < batch.expertIds.length; i++) {
        int id = batch.expertIds[i];
        int n = batch.starts[i + 1] - batch.starts[i];
        segments[segment++] = cursor[id];
        System.arraycopy(batch.tokens, batch.starts[i], tokens, cursor[id], n);
        Arrays.fill(sources, cursor[id], cursor[id] + n, batch);
        cursor[id] += n;
      }
    }
  }

  /**
   * The outputs of one of the batches, in the order of its rows.
   *
   * @param firstSegment how many experts the batches before it have, together
   */
  Tensor outputs(Batch batch, int firstSegment) {
    boolean f32 = batch.resultType == DType.D_TYPE_F32;
    byte[] bytes = new byte[batch.rows() * hidden * (f32 ? Float.BYTES : Short.BYTES)];
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < batch.expertIds.length; i++) {
      int from = segments[firstSegment + i] * hidden;
      int count = (batch.starts[i + 1] - batch.starts[i]) * hidden;
      if (f32) {
        buffer.asFloatBuffer().put(out, from, count);
        buffer.position(buffer.position() + count * Float.BYTES);
      } else {
        for (int k = from; k < from + count; k++) {
          buffer.putShort(TensorBytes.bfloat16(out[k]));
        }
      }
    }
    return Tensor.newBuilder().setDtype(batch.resultType).addShape(batch.rows()).addShape(hidden)
        .setData(UnsafeByteOperations.unsafeWrap(bytes)).build();
  }
}
