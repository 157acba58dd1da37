package io.expertmesh.model.family;

import io.expertmesh.kernels.Matrix;
import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.architecture.LatentAttention;
import io.expertmesh.model.decoder.DecoderWeights.LatentAttentionWeights;
import io.expertmesh.model.decoder.DecoderWeights.NormWeights;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Binds the tensors of {@link LatentAttention}, which have the same names in all families. */
final class LatentAttentionTensors {
  private final TensorSource tensors;
  private final int hidden;

  LatentAttentionTensors(TensorSource tensors, int hidden) {
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
      keyUp.add(tensors.prepareTransposed(up, first, a.plainDim()));
      valueUp.add(tensors.prepare(up.slice(up.name(), first + a.plainDim(), first + headRows)));
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
}
