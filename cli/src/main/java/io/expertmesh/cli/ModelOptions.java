package io.expertmesh.cli;

import io.expertmesh.engine.experts.ExpertClientFactory;
import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.checkpoint.Progress;
import io.expertmesh.model.checkpoint.QuantizedCheckpoint;
import io.expertmesh.model.decoder.ProcessKernels;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.ModelConfig;
import io.expertmesh.model.family.ModelExperts;
import io.expertmesh.model.family.ModelFamilies;
import io.expertmesh.model.family.ModelFingerprint;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which model, and how it is run in this process. */
final class ModelOptions {
  @Mixin
  private ModelSource source = new ModelSource();

  @Option(
      names = "--numerics",
      paramLabel = "fast|exact",
      defaultValue = "fast",
      description = "exact: the same bits on any machine, in any batch, with any number of threads. Default: ${DEFAULT-VALUE}.")
  private Numerics numerics = Numerics.FAST;

  @Option(
      names = "--quantize",
      paramLabel = "TYPE",
      defaultValue = "none",
      description = "Quantise the weights in memory as they are loaded: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
  private Quantization quantization = Quantization.none;

  @Option(names = "--threads", paramLabel = "N", description = "Threads for the model. Default: one per core.")
  private @Nullable Integer threads;

  private @Nullable String servedName;

  EmbeddedModel open() {
    try (ProgressBars progress = ProgressBars.bytes()) {
      return EmbeddedModel.open(checkpoint(progress), source.name(), source.aliases(), numerics,
          threads());
    }
  }

  /** The model, its experts elsewhere. */
  EmbeddedModel open(ExpertClientFactory experts) {
    return open(experts, 1);
  }

  /**
   * The model, its experts elsewhere, as one of several in this process.
   *
   * @param engines that share the memory for keys and values
   */
  EmbeddedModel open(ExpertClientFactory experts, int engines) {
    String name = servedName == null ? source.name() : servedName;
    return EmbeddedModel.open(checkpoint(Progress.NONE), name, source.aliases(), numerics, threads(), experts, engines);
  }

  /** What clients call the model when its experts are elsewhere, in place of the checkpoint's name; null for that. */
  ModelOptions servedAs(@Nullable String name) {
    servedName = name;
    return this;
  }

  /** Which model it is. */
  ModelSource source() {
    return source;
  }

  /** Another model, run in the same way. */
  ModelOptions with(String model) {
    ModelOptions other = new ModelOptions();
    other.source = ModelSource.of(model);
    other.numerics = numerics;
    other.quantization = quantization;
    other.threads = threads;
    return other;
  }

  /** The same model on so many threads. */
  ModelOptions onThreads(int count) {
    ModelOptions other = new ModelOptions();
    other.source = source;
    other.numerics = numerics;
    other.quantization = quantization;
    other.threads = count;
    return other;
  }

  /** What decides the numbers that the model's experts compute. */
  ModelFingerprint fingerprint() {
    Kernels kernels = ProcessKernels.promising(numerics);
    return ModelFingerprint.of(ModelExperts.of(checkpoint(Progress.NONE), kernels), kernels.numerics(), numerics, null);
  }

  /** Threads that run kernels. */
  int threads() {
    int count = threads == null ? Runtime.getRuntime().availableProcessors() : threads;
    if (count < 1 || count > 1024) {
      throw FailureException.invalidParameter("--threads", "--threads is %d; it must be 1 to 1024".formatted(count));
    }
    return count;
  }

  /** Experts in each of the model's layers that have any; 0 for a dense model. */
  int experts() {
    Checkpoint checkpoint = source.checkpoint();
    ModelConfig config = new ModelConfig(checkpoint.location().toString(), checkpoint.config());
    return ModelFamilies.of(config).architecture(config).experts();
  }

  /** The same choice of model and arithmetic as options for another process, without its threads. */
  List<String> asArguments() {
    List<String> arguments = new ArrayList<>(source.asArguments());
    arguments.addAll(List.of("--numerics", numerics.label(), "--quantize", quantization.name()));
    return arguments;
  }

  /** The checkpoint, quantised as it is loaded if that was asked for. */
  Checkpoint checkpoint(Progress progress) {
    Checkpoint checkpoint = source.checkpoint();
    DType dtype = quantization.dtype;
    return dtype == null ? checkpoint : QuantizedCheckpoint.of(checkpoint, dtype, progress);
  }

  Numerics numerics() {
    return numerics;
  }

  /** As users write it. */
  private enum Quantization {
    none(null), q8_0(DType.Q8_0), q4_0(DType.Q4_0);

    final @Nullable DType dtype;

    Quantization(@Nullable DType dtype) {
      this.dtype = dtype;
    }
  }
}
