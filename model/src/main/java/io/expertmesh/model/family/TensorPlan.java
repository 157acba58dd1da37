package io.expertmesh.model.family;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.Matrix;
import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.checkpoint.Tensor;
import io.expertmesh.model.decoder.FeedForwardWeights;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * The tensors that a configuration asks for, found by binding it without a checkpoint: the binder's own names and shapes,
 * and no memory.
 */
public final class TensorPlan {
  /** As {@link io.expertmesh.model.checkpoint.GgufArchitectures} shows the experts of a GGUF file. */
  private static final List<String> GGUF_FORM = List.of(".experts.gate_proj", "lm_head.weight");

  private final Architecture architecture;
  private final String embedding;
  private final List<String> unused;
  private final Map<String, Wanted> tensors;

  private TensorPlan(Architecture architecture, String embedding, List<String> unused, Map<String, Wanted> tensors) {
    this.architecture = architecture;
    this.embedding = embedding;
    this.unused = unused;
    this.tensors = tensors;
  }

  /**
   * A tensor.
   *
   * @param shape slowest dimension first
   * @param ofExperts whether it belongs to the experts: one of them, or all of a layer
   */
  public record Wanted(String name, List<Long> shape, boolean ofExperts) {
    public Wanted {
      shape = List.copyOf(shape);
    }

    public long elements() {
      return shape.stream().reduce(1L, Math::multiplyExact);
    }
  }

  /**
   * The tensors as the family's releases have them, in plain formats.
   *
   * @throws io.expertmesh.model.failure.FailureException INVALID_CHECKPOINT if the family is not supported or a field is
   *     missing or wrong
   */
  public static TensorPlan released(ModelConfig config) {
    return released(config, false);
  }

  /**
   * As {@link #released(ModelConfig)}.
   *
   * @param inBlocks whether the experts are in a block format
   */
  public static TensorPlan released(ModelConfig config, boolean inBlocks) {
    List<String> form = ModelFamilies.of(config).releasedForm();
    return of(config, name -> form.stream().anyMatch(name::endsWith), name -> inBlocks);
  }

  /** As {@link #released}, but under the names that a GGUF file's tensors are shown with. */
  public static TensorPlan gguf(ModelConfig config) {
    return of(config, name -> GGUF_FORM.stream().anyMatch(name::endsWith), name -> false);
  }

  /** The tensors that {@code checkpoint} should have, in whichever form it has. */
  public static TensorPlan of(Checkpoint checkpoint) {
    Map<String, Tensor> tensors = checkpoint.tensors();
    return of(new ModelConfig(checkpoint.location().toString(), checkpoint.config()), tensors::containsKey, name -> {
      Tensor tensor = tensors.get(name);
      return tensor != null && tensor.dtype().blockElements() > 1;
    });
  }

  private static TensorPlan of(ModelConfig config, Predicate<String> present, Predicate<String> inBlocks) {
    ModelFamily family = ModelFamilies.of(config);
    Architecture architecture = family.architecture(config);
    Recorder recorder = new Recorder(present, inBlocks);
    WeightBinder binder = new WeightBinder(architecture, family.names(), recorder);
    // All experts first, so that what has been asked for until then is theirs.
    for (int layer = 0; layer < architecture.blocks().size(); layer++) {
      int count = architecture.blocks().get(layer).mixture().map(MixtureOfExperts::experts).orElse(0);
      for (int id = 0; id < count; id++) {
        binder.expert(layer, id);
      }
    }
    Map<String, List<Long>> experts = Map.copyOf(recorder.shapes);
    recorder.shapes.clear();
    binder.bind(ExpertSelection.NONE);
    Map<String, Wanted> tensors = new LinkedHashMap<>();
    recorder.shapes.forEach((name, shape) -> tensors.put(name, new Wanted(name, shape, experts.containsKey(name))));
    return new TensorPlan(architecture, family.names().embedding(), family.unused(config), tensors);
  }

  public Architecture architecture() {
    return architecture;
  }

  /** Name of the input embedding. */
  public String embedding() {
    return embedding;
  }

  /** All tensors by name, in the order of the layers. */
  public Map<String, Wanted> tensors() {
    return tensors;
  }

  /** Parameters in total. */
  public long parameters() {
    return tensors.values().stream().mapToLong(Wanted::elements).sum();
  }

  /** Parameters of all experts. */
  public long expertParameters() {
    return tensors.values().stream().filter(Wanted::ofExperts).mapToLong(Wanted::elements).sum();
  }

  /** What of {@code total}, an amount of all experts, a token uses. */
  public long visited(long total) {
    return architecture.mixture().map(moe -> total / moe.experts() * moe.topK()).orElse(0L);
  }

  /** Parameters that take part in computing one token: all but those of the experts that it does not visit. */
  public long activeParameters() {
    return parameters() - expertParameters() + visited(expertParameters());
  }

  /** Whether a tensor that is not wanted may be there all the same: answers do not depend on it. */
  public boolean ignores(String name) {
    return unused.stream().anyMatch(name::startsWith);
  }

  /** How {@code checkpoint} differs from this plan, one line for each tensor; none if every tensor is recognised. */
  public Differences differences(Checkpoint checkpoint) {
    List<String> missing = new ArrayList<>();
    List<String> wrong = new ArrayList<>();
    for (Wanted wanted : tensors.values()) {
      Tensor tensor = checkpoint.tensors().get(wanted.name());
      if (tensor == null) {
        missing.add(wanted.name());
      } else if (!tensor.shape().equals(wanted.shape())) {
        wrong.add("%s has shape %s, but the configuration asks for %s"
            .formatted(wanted.name(), tensor.shape(), wanted.shape()));
      }
    }
    List<String> unknown = checkpoint.tensors().keySet().stream()
        .filter(name -> !tensors.containsKey(name) && !ignores(name)).toList();
    return new Differences(missing, unknown, wrong);
  }

  /**
   * @param missing names of tensors that the configuration asks for
   * @param unknown names of tensors that are not part of the model
   * @param wrong tensors of another shape, with both shapes
   */
  public record Differences(List<String> missing, List<String> unknown, List<String> wrong) {
    public boolean none() {
      return missing.isEmpty() && unknown.isEmpty() && wrong.isEmpty();
    }
  }

  /** Writes down what is asked for. The matrices that it hands out have addresses that nobody may read. */
  private static final class Recorder implements TensorSource {
    private final Predicate<String> present;
    private final Predicate<String> inBlocks;
    private final Map<String, List<Long>> shapes = new LinkedHashMap<>();

    Recorder(Predicate<String> present, Predicate<String> inBlocks) {
      this.present = present;
      this.inBlocks = inBlocks;
    }

    @Override
    public boolean has(String name) {
      return present.test(name);
    }

    @Override
    public boolean inBlocks(String name) {
      return inBlocks.test(name);
    }

    @Override
    public WeightMatrix stored(String name, int rows, int cols) {
      shapes.put(name, List.of((long) rows, (long) cols));
      return nowhere(name, rows, cols);
    }

    @Override
    public WeightMatrix stacked(String name, int index, int count, int rows, int cols) {
      shapes.put(name, List.of((long) count, (long) rows, (long) cols));
      return nowhere(name, rows, cols);
    }

    @Override
    public float[] vector(String name, int length) {
      shapes.put(name, List.of((long) length));
      return new float[length];
    }

    @Override
    public float[] vector(String name, int index, int count, int length) {
      shapes.put(name, List.of((long) count, (long) length));
      return new float[length];
    }

    @Override
    public WeightMatrix loaded(String name, int rows, int cols) {
      return stored(name, rows, cols);
    }

    @Override
    public Matrix prepare(WeightMatrix stored) {
      return stored;
    }

    @Override
    public Matrix prepareTransposed(WeightMatrix loaded, int first, int count) {
      return nowhere(loaded.name(), loaded.cols(), count);
    }

    @Override
    public FeedForwardWeights prepare(StoredFeedForward stored) {
      return new FeedForwardWeights(stored.activation(), stored.gate() == null ? null : stored.gate().stored(),
          stored.up().stored(), stored.down().stored(), stored.biases());
    }

    @SuppressWarnings("restricted")
    private static WeightMatrix nowhere(String name, int rows, int cols) {
      return new WeightMatrix(name, DType.F32, rows, cols,
          MemorySegment.NULL.reinterpret(DType.F32.bytes(cols) * rows));
    }
  }
}
