package io.expertmesh.model.family;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Matrix;
import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.architecture.LatentAttention;
import io.expertmesh.model.decoder.DecoderWeights.LatentAttentionWeights;
import io.expertmesh.model.decoder.DecoderWeights.NormWeights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Binds the tensors of {@link LatentAttention}, which have the same names in all families. */
final class LatentAttentionTensors {
  private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int ALIGNMENT = 64;

  private final TensorBinder tensors;
  private final int hidden;

  LatentAttentionTensors(TensorBinder tensors, int hidden) {
    this.tensors = tensors;
    this.hidden = hidden;
  }

  /**
   * @param prefix of the operation, with a dot at its end
   */
  LatentAttentionWeights bind(String prefix, LatentAttention a) {
    Integer queryRank = a.queryRank();
    int rank = a.rank();
    List<Matrix> keyUp = new ArrayList<>();
    List<Matrix> valueUp = new ArrayList<>();
    int headRows = a.plainDim() + a.valueDim();
    WeightMatrix up = tensors.loaded(prefix + "kv_b_proj.weight", a.heads() * headRows, rank);
    for (int head = 0; head < a.heads(); head++) {
      int first = head * headRows;
      keyUp.add(tensors.kernels().prepare(transposed(up, first, a.plainDim(), tensors.kernels())));
      valueUp.add(tensors.kernels().prepare(up.slice(up.name(), first + a.plainDim(), first + headRows)));
    }
    return new LatentAttentionWeights(
        queryRank == null ? null : tensors.matrix(prefix + "q_a_proj.weight", queryRank, hidden),
        queryRank == null ? null : bias(a, prefix + "q_a_proj", queryRank),
        queryRank == null ? null : norm(prefix + "q_a_layernorm", queryRank),
        queryRank == null
            ? tensors.matrix(prefix + "q_proj.weight", a.queryWidth(), hidden)
            : tensors.matrix(prefix + "q_b_proj.weight", a.queryWidth(), queryRank),
        tensors.matrix(prefix + "kv_a_proj_with_mqa.weight", a.cachedWidth(), hidden),
        bias(a, prefix + "kv_a_proj_with_mqa", a.cachedWidth()),
        norm(prefix + "kv_a_layernorm", rank), keyUp, valueUp,
        tensors.matrix(prefix + "o_proj.weight", hidden, a.valueWidth()),
        bias(a, prefix + "o_proj", hidden));
  }

  private NormWeights norm(String name, int width) {
    return new NormWeights(tensors.vector(name + ".weight", width), null);
  }

  private float @Nullable [] bias(LatentAttention a, String name, int width) {
    return a.bias() ? tensors.vector(name + ".bias", width) : null;
  }

  /** The rows from {@code first} on as columns, in F32, since rows of blocks cannot be turned. */
  private static WeightMatrix transposed(WeightMatrix matrix, int first, int count, Kernels kernels) {
    int rows = matrix.cols();
    MemorySegment data = Arena.ofAuto().allocate((long) Float.BYTES * rows * count, ALIGNMENT);
    float[] row = new float[rows];
    for (int col = 0; col < count; col++) {
      kernels.dequantize(matrix, first + col, row, 0);
      for (int i = 0; i < rows; i++) {
        data.setAtIndex(F32, (long) i * count + col, row[i]);
      }
    }
    return new WeightMatrix(matrix.name(), DType.F32, rows, count, data);
  }
}
