package io.expertmesh.model.family;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.decoder.ExpertWeights;
import java.util.ArrayList;
import java.util.List;

/** All experts of a checkpoint, their tensors found and checked; weights are touched when an expert is loaded. */
public final class ModelExperts {
  private final Checkpoint checkpoint;
  private final Architecture architecture;
  private final List<List<StoredExpert>> layers;

  private ModelExperts(Checkpoint checkpoint, Architecture architecture, List<List<StoredExpert>> layers) {
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
    List<List<StoredExpert>> layers = new ArrayList<>();
    for (int layer = 0; layer < architecture.blocks().size(); layer++) {
      MixtureOfExperts moe = architecture.blocks().get(layer).moe();
      List<StoredExpert> experts = new ArrayList<>(moe.experts());
      for (int id = 0; id < moe.experts(); id++) {
        experts.add(family.expert(architecture, tensors, layer, id));
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

  public int layers() {
    return layers.size();
  }

  /** Experts in each layer. */
  public int experts() {
    return layers.getFirst().size();
  }

  public StoredExpert stored(int layer, int id) {
    return layers.get(layer).get(id);
  }

  /** The weights of expert {@code id} of block {@code layer}, in the layout of {@code kernels}. */
  public ExpertWeights load(int layer, int id, Kernels kernels) {
    return ExpertTensors.load(new TensorBinder(checkpoint, kernels), stored(layer, id));
  }
}
