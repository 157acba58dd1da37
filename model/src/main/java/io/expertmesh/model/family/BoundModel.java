package io.expertmesh.model.family;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.decoder.DecoderWeights;

/** A checkpoint that was recognised: what the model is made of, and its weights. */
public record BoundModel(Architecture architecture, DecoderWeights weights) {
  /**
   * Recognises the family and binds every tensor.
   *
   * @throws io.expertmesh.model.failure.FailureException INVALID_CHECKPOINT if the family is not supported, or a field
   *     or tensor is missing, wrong or unknown
   */
  public static BoundModel of(Checkpoint checkpoint, Kernels kernels) {
    return of(checkpoint, kernels, ExpertSelection.ALL);
  }

  /**
   * As {@link #of(Checkpoint, Kernels)}, but the weights of only some experts are loaded; the tensors of the others are
   * checked all the same.
   */
  public static BoundModel of(Checkpoint checkpoint, Kernels kernels, ExpertSelection experts) {
    ModelConfig config = new ModelConfig(checkpoint.location().toString(), checkpoint.config());
    ModelFamily family = ModelFamilies.of(config);
    Architecture architecture = family.architecture(config);
    TensorBinder tensors = new TensorBinder(checkpoint, kernels);
    DecoderWeights weights = new WeightBinder(architecture, family.names(), tensors).bind(experts);
    tensors.requireAllBound(family.unused(config));
    return new BoundModel(architecture, weights);
  }
}
