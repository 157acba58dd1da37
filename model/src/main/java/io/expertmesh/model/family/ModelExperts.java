package io.expertmesh.model.family;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.checkpoint.WeightConversion;
import io.expertmesh.model.decoder.FeedForwardWeights;
import io.expertmesh.model.device.ExpertWeights;
import io.expertmesh.model.failure.FailureException;
import java.lang.foreign.Arena;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * All experts of a checkpoint, their tensors found and checked; weights are touched when an expert is loaded, and
 * converted then if they are to be held in another type.
 */
public final class ModelExperts {
  private static final String OPTION = "--expert-dtype";

  private final Checkpoint checkpoint;
  private final Architecture architecture;
  private final List<List<StoredFeedForward>> layers;
  private final @Nullable DType held;

  private ModelExperts(Checkpoint checkpoint, Architecture architecture, List<List<StoredFeedForward>> layers,
      @Nullable DType held) {
    this.checkpoint = checkpoint;
    this.architecture = architecture;
    this.layers = layers;
    this.held = held;
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
    return new ModelExperts(checkpoint, architecture, layers, null);
  }

  /**
   * The same experts, held in another type than the model's: converted from what the checkpoint's files have when they
   * are loaded. Matrices whose rows are not a whole number of the type's blocks stay in the model's type.
   *
   * @param dtype F32, F16, BF16, Q8_0 or Q4_0; null for the model's type
   * @param numerics what the process promises
   * @throws FailureException INVALID_REQUEST if no matrix can have the type, or if one would change in EXACT numerics
   */
  public ModelExperts heldAs(@Nullable DType dtype, Numerics numerics) {
    ModelExperts other = new ModelExperts(checkpoint, architecture, layers, dtype);
    if (dtype == null || experts() == 0) {
      return other;
    }
    String wanted = label(dtype);
    if (other.matrices().noneMatch(matrix -> matrix.cols() % dtype.blockElements() == 0)) {
      throw FailureException.invalidParameter(OPTION, """
          --expert-dtype %s has blocks of %d weights, and no row of this model's experts is a whole number of them \
          (hidden size %d, expert size %d): use f16 or bf16, or leave it out""".formatted(wanted,
          dtype.blockElements(), architecture.hiddenSize(),
          architecture.mixture().map(moe -> moe.expert().size()).orElse(0)));
    }
    if (numerics == Numerics.EXACT && other.isConverted()) {
      throw FailureException.invalidParameter(OPTION, """
          --numerics exact promises the bits of the model's own weights, and --expert-dtype %s changes those that it \
          has as %s: leave one of the two out, or give all processes weights of that type (--quantize, or a \
          checkpoint that 'expertmesh convert' writes)""".formatted(wanted, dtype()));
    }
    return other;
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

  /** The types of the model's expert weights, such as {@code bf16}; several are joined by {@code +}. */
  public String dtype() {
    return labels(matrices().map(this::modelType));
  }

  /** The types that they are held in, likewise. */
  public String heldDtype() {
    return labels(matrices().map(this::heldType));
  }

  /** Whether a matrix is held in another type than the model's. */
  public boolean isConverted() {
    return matrices().anyMatch(matrix -> heldType(matrix) != modelType(matrix));
  }

  /** The type of a matrix in the model: the files', or what all of the model is quantised to. */
  DType modelType(StoredMatrix matrix) {
    return checkpoint.loadedType(matrix.stored());
  }

  private DType heldType(StoredMatrix matrix) {
    return held == null || matrix.cols() % held.blockElements() != 0 ? modelType(matrix) : held;
  }

  /** Bytes of expert {@code id}'s matrices in all layers, as they are held. */
  public long bytes(int id) {
    return matrices(id).mapToLong(matrix -> matrix.bytesAs(heldType(matrix))).sum();
  }

  /** What of {@link #bytes} a process needs memory of its own for; the rest is mapped from the checkpoint's files. */
  public long ownBytes(int id) {
    return matrices(id).filter(this::needsMemory).mapToLong(matrix -> matrix.bytesAs(heldType(matrix))).sum();
  }

  private boolean needsMemory(StoredMatrix matrix) {
    return matrix.transposed() || heldType(matrix) != matrix.stored().dtype();
  }

  private Stream<StoredMatrix> matrices() {
    return IntStream.range(0, experts()).boxed().flatMap(this::matrices);
  }

  private Stream<StoredMatrix> matrices(int id) {
    return layers.stream().filter(layer -> !layer.isEmpty()).flatMap(layer -> layer.get(id).matrices().stream());
  }

  private static String labels(Stream<DType> types) {
    return types.map(ModelExperts::label).distinct().sorted().collect(Collectors.joining("+"));
  }

  /** As users write it. */
  static String label(DType dtype) {
    return dtype.name().toLowerCase(Locale.ROOT);
  }

  /**
   * Expert {@code id} of block {@code layer} for a device, in the types that it is held in.
   *
   * @param memory for what cannot be used as the files have it
   * @throws FailureException INVALID_CHECKPOINT if a weight is not finite, or too large for the type that it is to have
   */
  public ExpertWeights load(int layer, int id, SegmentAllocator memory) {
    StoredFeedForward stored = stored(layer, id);
    StoredMatrix gate = stored.gate();
    return new ExpertWeights(layer, id, stored.activation(), gate == null ? null : load(gate, memory),
        load(stored.up(), memory), load(stored.down(), memory), stored.biases());
  }

  private WeightMatrix load(StoredMatrix matrix, SegmentAllocator memory) {
    DType type = heldType(matrix);
    if (type == matrix.stored().dtype()) {
      return matrix.arranged(memory);
    }
    if (type == modelType(matrix)) {
      return checkpoint.load(matrix.arranged(), memory);
    }
    return WeightConversion.convert(matrix.arranged(), type, memory, checkpoint.location());
  }

  /** The weights of expert {@code id} of block {@code layer}, in the layout of {@code kernels}. */
  public FeedForwardWeights load(int layer, int id, Kernels kernels) {
    return load(layer, id, Arena.ofAuto()).prepared(kernels);
  }
}
