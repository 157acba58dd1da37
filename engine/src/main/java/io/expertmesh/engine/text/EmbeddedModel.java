package io.expertmesh.engine.text;

import io.expertmesh.engine.experts.ExpertClientFactory;
import io.expertmesh.engine.schedule.BatchingEngine;
import io.expertmesh.engine.schedule.EngineConfiguration;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.decoder.ProcessKernels;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.BoundModel;
import io.expertmesh.model.family.ExpertSelection;
import io.expertmesh.model.family.ModelExperts;
import io.expertmesh.model.family.ModelFingerprint;
import io.expertmesh.model.tokenizer.LoadedTokenizer;
import io.expertmesh.model.tokenizer.TokenizerLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A model that runs in this process, its experts perhaps elsewhere, from a checkpoint to text. Closing it cancels what
 * runs.
 */
public final class EmbeddedModel implements AutoCloseable {
  private final ServedModel served;
  private final Architecture architecture;
  private final Kernels kernels;
  private final int threads;
  private final BatchingEngine engine;

  private EmbeddedModel(ServedModel served, Architecture architecture, Kernels kernels, int threads,
      BatchingEngine engine) {
    this.served = served;
    this.architecture = architecture;
    this.kernels = kernels;
    this.threads = threads;
    this.engine = engine;
  }

  /**
   * Binds the checkpoint's weights and starts an engine for them.
   *
   * @param name what clients call the model
   * @param numerics what the arithmetic must promise at least; the kernels may promise more
   * @param threads that run kernels
   * @throws FailureException if the checkpoint cannot be served
   */
  public static EmbeddedModel open(Checkpoint checkpoint, String name, List<String> aliases, Numerics numerics,
      int threads) {
    Kernels kernels = ProcessKernels.promising(numerics);
    BoundModel bound = BoundModel.of(checkpoint, kernels);
    String version = ModelFingerprint.of(ModelExperts.of(checkpoint, kernels), kernels.numerics(), numerics, null)
        .version();
    BatchingEngine engine = BatchingEngine.start(bound.architecture(), bound.weights(), kernels,
        EngineConfiguration.defaults(bound.architecture(), threads));
    return open(checkpoint, name, aliases, version, kernels, threads, bound.architecture(), engine);
  }

  /**
   * As {@link #open(Checkpoint, String, List, Numerics, int)}, but the experts are elsewhere and their weights are not
   * loaded.
   */
  public static EmbeddedModel open(Checkpoint checkpoint, String name, List<String> aliases, Numerics numerics,
      int threads, ExpertClientFactory experts) {
    return open(checkpoint, name, aliases, numerics, threads, experts, 1);
  }

  /**
   * As {@link #open(Checkpoint, String, List, Numerics, int, ExpertClientFactory)}, as one of several.
   *
   * @param engines in this process, which share the memory for keys and values
   */
  public static EmbeddedModel open(Checkpoint checkpoint, String name, List<String> aliases, Numerics numerics,
      int threads, ExpertClientFactory experts, int engines) {
    Kernels kernels = ProcessKernels.promising(numerics);
    BoundModel bound = BoundModel.of(checkpoint, kernels, ExpertSelection.NONE);
    ModelFingerprint fingerprint = ModelFingerprint.of(ModelExperts.of(checkpoint, kernels), kernels.numerics(),
        numerics, null);
    BatchingEngine engine = BatchingEngine.start(bound.architecture(), bound.weights(), kernels,
        EngineConfiguration.defaults(bound.architecture(), threads, engines),
        experts.open(bound.architecture(), fingerprint));
    return open(checkpoint, name, aliases, fingerprint.version(), kernels, threads, bound.architecture(), engine);
  }

  private static EmbeddedModel open(Checkpoint checkpoint, String name, List<String> aliases, String version,
      Kernels kernels, int threads, Architecture model, BatchingEngine engine) {
    LoadedTokenizer text = TokenizerLoader.load(checkpoint);
    JsonNode generationConfig = json(checkpoint.location().resolve("generation_config.json"));
    GenerationConfig generation = GenerationConfig.of(generationConfig, checkpoint.config());
    DecoderStart start = model.encoder() == null
        ? null
        : DecoderStart.of(generationConfig, checkpoint.config(), model.firstDecoderBlock());
    ServedModel served = new ServedModel(name, aliases, version, Instant.now(), engine, text.tokenizer(),
        text.chatTemplate(), generation.endTokenIds(),
        model.contextLength(), model.vocabularySize(), model.moeLayers(),
        model.experts(), generation.sampling(), start, start == null ? null : text.languages());
    return new EmbeddedModel(served, model, kernels, threads, engine);
  }

  public ServedModel served() {
    return served;
  }

  public Architecture architecture() {
    return architecture;
  }

  public Kernels kernels() {
    return kernels;
  }

  public int threads() {
    return threads;
  }

  @Override
  public void close() {
    engine.close();
  }

  /** What is in {@code file}; an empty object if there is none. */
  private static JsonNode json(Path file) {
    return Files.exists(file)
        ? JsonMapper.shared().readTree(file.toFile())
        : JsonMapper.shared().createObjectNode();
  }
}
