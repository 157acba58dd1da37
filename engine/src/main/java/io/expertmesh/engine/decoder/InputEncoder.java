package io.expertmesh.engine.decoder;

import io.expertmesh.engine.decoder.ParallelMatmul.Product;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.CrossAttention;
import io.expertmesh.model.architecture.Encoder;
import io.expertmesh.model.architecture.Residual;
import io.expertmesh.model.decoder.DecoderWeights;
import io.expertmesh.model.decoder.DecoderWeights.AttentionWeights;
import io.expertmesh.model.decoder.Norms;
import java.util.List;
import java.util.Objects;

/** The end of an encoder: its final norm, and the keys and values that the decoder's layers make of its output. */
final class InputEncoder {
  private final Architecture model;
  private final Encoder encoder;
  private final DecoderWeights weights;
  private final Kernels kernels;
  private final ParallelMatmul matmul;

  InputEncoder(Architecture model, DecoderWeights weights, Kernels kernels, WorkerPool pool) {
    this.model = model;
    this.encoder = Objects.requireNonNull(model.encoder());
    this.weights = weights;
    this.kernels = kernels;
    this.matmul = new ParallelMatmul(kernels, pool);
  }

  /** What cross-attention sees of a part that went through all of the encoder's blocks. */
  EncodedInput finish(Part part) {
    int n = part.count();
    int h = model.hiddenSize();
    float[] encoded = part.space().normed();
    for (int row = 0; row < n; row++) {
      Norms.apply(kernels, encoder.finalNorm(), Objects.requireNonNull(weights.encoderNorm()), part.space().hidden(),
          row * h, encoded, row * h);
    }
    int blocks = model.blocks().size();
    EncodedInput input = new EncodedInput(n, new float[blocks][0], new float[blocks][0]);
    for (int layer = encoder.blocks(); layer < blocks; layer++) {
      List<Residual> residuals = model.blocks().get(layer).residuals();
      for (int r = 0; r < residuals.size(); r++) {
        if (residuals.get(r).operation() instanceof CrossAttention cross) {
          project(layer, cross, (AttentionWeights) weights.blocks().get(layer).residuals().get(r).operation(), encoded,
              input);
        }
      }
    }
    return input;
  }

  private void project(int layer, CrossAttention cross, AttentionWeights w, float[] encoded, EncodedInput input) {
    float[] keys = new float[input.tokens() * cross.width()];
    float[] values = new float[input.tokens() * cross.width()];
    matmul.multiply(encoded, input.tokens(), new Product(w.key(), w.biases().key(), keys),
        new Product(w.value(), w.biases().value(), values));
    input.keys()[layer] = HeadMajor.of(keys, input.tokens(), cross.heads(), cross.headDim());
    input.values()[layer] = HeadMajor.of(values, input.tokens(), cross.heads(), cross.headDim());
  }
}
