package io.expertmesh.model.family;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.decoder.FeedForwardWeights;
import io.expertmesh.model.device.ExpertWeights;
import java.util.ArrayList;
import java.util.List;

/** All experts of a checkpoint, their tensors found and checked; weights are touched when an expert is loaded. */
public final class ModelExperts {
  private final Checkpoint checkpoint;
  private final Architecture architecture;
  private final List<List<StoredFeedForward>> layers;

  private ModelExperts(Checkpoint checkpoint, Architecture architecture, List<List<StoredFeedForward>> layers) {
    this.checkpoint = checkpoint;
    this.architecture = architecture;
    this.layers = layers;
  }

  /**
   * Recognises the family and finds the tensors of every expert.
   *
   * @throws io.expertmesh.model.failure.FailureException INVALID_CHECKPOINT if the family is not supported, or a field
   *     or an expert's tensor is missing or wrong
   */
  public static ModelExperts of(Checkpoint checkpoint, Kernels kernels) {
    ModelConfig config = new ModelConfig(checkpoint.location().toString(), checkpoint.config());
    ModelFamily family = ModelFamilies.of(config);
    Architecture architecture = family.architecture(config);
    TensorBinder tensors = new TensorBinder(checkpoint, kernels);
    WeightBinder binder = new WeightBinder(architecture, family.names(), tensors);
    List<List<StoredFeedForward>> layers = new ArrayList<>();
    for (int layer = 0; layer < architecture.blocks().size(); layer++) {
      int count = architecture.blocks().get(layer).mixture().map(MixtureOfExperts::experts).orElse(0);
      List<StoredFeedForward> experts = new ArrayList<>(count);
      for (int id = 0; id < count; id++) {
        experts.add(binder.expert(layer, id));
      }
      layers.add(experts);
    }
    return new ModelExperts(checkpoint, architecture, layers);
  }

  public Architecture architecture() {
    return architecture;
  }

  public Checkpoint checkpoint() {
    return checkpoint;
  }

  /** Blocks, with and without experts. */
  public int layers() {
    return layers.size();
  }

  /** Experts in each layer that has any. */
  public int experts() {
    return architecture.experts();
  }

  /** Whether block {@code layer} has experts. */
  public boolean hasExperts(int layer) {
    return !layers.get(layer).isEmpty();
  }

  public StoredFeedForward stored(int layer, int id) {
    return layers.get(layer).get(id);
  }

  /** Expert {@code id} of block {@code layer} for a device, in the checkpoint's formats; quantised if that was asked for. */
  public ExpertWeights load(int layer, int id) {
    StoredFeedForward stored = stored(layer, id);
    return new ExpertWeights(layer, id, stored.activation(), stored.gate() == null ? null : load(stored.gate()),
        load(stored.up()), load(stored.down()), stored.biases());
  }

  private WeightMatrix load(StoredMatrix matrix) {
    return checkpoint.load(matrix.arranged());
  }

  /** The weights of expert {@code id} of block {@code layer}, in the layout of {@code kernels}. */
  public FeedForwardWeights load(int layer, int id, Kernels kernels) {
    return new TensorBinder(checkpoint, kernels).prepare(stored(layer, id));
  }
}
