package io.expertmesh.model.decoder;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.model.architecture.Norm;
import io.expertmesh.model.decoder.DecoderWeights.NormWeights;

/** Applies a {@link Norm}. */
public final class Norms {
  private Norms() {}

  /** out = norm(x) over the width of the weights, at the given offsets; {@code out} may be {@code x}. */
  public static void apply(Kernels kernels, Norm norm, NormWeights weights, float[] x, int xOffset, float[] out,
      int outOffset) {
    switch (norm.kind()) {
      case RMS -> kernels.rmsNorm(x, xOffset, weights.weight(), norm.epsilon(), out, outOffset);
      case LAYER, LAYER_WITHOUT_PARAMETERS ->
        kernels.layerNorm(x, xOffset, weights.weight(), weights.bias(), norm.epsilon(), out, outOffset);
    }
  }
}
