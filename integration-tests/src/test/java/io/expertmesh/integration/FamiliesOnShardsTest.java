package io.expertmesh.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.api.EncoderInput;
import io.expertmesh.engine.api.Generation;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.schedule.BatchingEngine;
import io.expertmesh.engine.schedule.EngineConfiguration;
import io.expertmesh.expert.ExpertConfiguration;
import io.expertmesh.expert.ExpertIds;
import io.expertmesh.expert.ExpertServer;
import io.expertmesh.gateway.remote.RemoteModel;
import io.expertmesh.gateway.remote.RemoteSettings;
import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.checkpoint.SafetensorsCheckpoint;
import io.expertmesh.model.device.CpuDevices;
import io.expertmesh.model.family.BoundModel;
import io.expertmesh.model.family.ExpertSelection;
import io.expertmesh.model.family.ModelConfig;
import io.expertmesh.model.family.ModelExperts;
import io.expertmesh.model.family.ModelFamilies;
import io.expertmesh.model.family.ModelFingerprint;
import io.expertmesh.transport.Plaintext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A model of every family gives the same bits whether its experts are in this process or on three shards. */
@Timeout(60)
class FamiliesOnShardsTest {
  private static final Path GOLDEN = Path.of("../model/src/test/resources/golden");
  private static final int SHARDS = 3;
  private static final int REQUESTS = 4;
  private static final EngineConfiguration ENGINE = new EngineConfiguration(1, 4, 8, 64, 4, 128);

  /** The golden cases of models that have experts. */
  static List<String> models() throws IOException {
    try (Stream<Path> folders = Files.list(GOLDEN)) {
      return folders.filter(folder -> Files.exists(folder.resolve("config.json")))
          .filter(FamiliesOnShardsTest::hasExperts)
          .map(folder -> folder.getFileName().toString()).sorted().toList();
    }
  }

  private static boolean hasExperts(Path folder) {
    Checkpoint checkpoint = SafetensorsCheckpoint.open(folder);
    ModelConfig config = new ModelConfig(folder.toString(), checkpoint.config());
    if (ModelFamilies.supported().stream().noneMatch(config.modelType()::equals)) {
      return false;
    }
    return ModelFamilies.of(config).architecture(config).experts() > 0;
  }

  @ParameterizedTest
  @MethodSource("models")
  void shardsDoNotChangeABit(String name) throws InterruptedException {
    Checkpoint checkpoint = SafetensorsCheckpoint.open(GOLDEN.resolve(name));
    Kernels kernels = KernelSelection.kernels();
    BoundModel whole = BoundModel.of(checkpoint, kernels);
    List<List<GenerationEvent>> expected;
    try (BatchingEngine engine = BatchingEngine.start(whole.architecture(), whole.weights(), kernels, ENGINE)) {
      expected = answers(engine, whole.architecture());
    }

    BoundModel gateway = BoundModel.of(checkpoint, kernels, ExpertSelection.NONE);
    ModelFingerprint fingerprint = ModelFingerprint.of(ModelExperts.of(checkpoint, kernels), kernels.numerics(),
        Numerics.EXACT,
        null);
    List<ExpertServer> servers = servers(checkpoint, whole.architecture().experts());
    try (RemoteModel remote = remote(servers);
        BatchingEngine engine = BatchingEngine.start(gateway.architecture(), gateway.weights(), kernels, ENGINE,
            remote.open(gateway.architecture(), fingerprint))) {
      remote.awaitExperts();
      assertThat(answers(engine, gateway.architecture())).isEqualTo(expected);
      assertThat(remote.experts().traffic().rows()).isPositive();
      assertThat(remote.experts().traffic().lostExperts()).isZero();
    } finally {
      servers.forEach(ExpertServer::close);
    }
  }

  /** Three processes' worth of experts, in this one. */
  private static List<ExpertServer> servers(Checkpoint checkpoint, int experts) {
    List<ExpertServer> servers = new ArrayList<>();
    for (int shard = 0; shard < SHARDS; shard++) {
      String ids = "%d-%d".formatted(experts * shard / SHARDS, experts * (shard + 1) / SHARDS - 1);
      servers.add(
          ExpertServer.start(new ExpertConfiguration("shard-" + shard, "127.0.0.1", 0, 0, null, ExpertIds.parse(ids),
              0, CpuDevices.NAME, null, Numerics.EXACT, 1, null, ExpertConfiguration.DEFAULT_QUEUED_ROWS, List.of(),
              Plaintext.LOOPBACK,
              Duration.ZERO, Duration.ofSeconds(10)), checkpoint));
    }
    return servers;
  }

  private static RemoteModel remote(List<ExpertServer> servers) {
    return new RemoteModel("gateway",
        new RemoteSettings(Duration.ofSeconds(30), 2, Duration.ofSeconds(30), RemoteSettings.Wire.f32,
            Duration.ofSeconds(30), 1000, null),
        RemoteModel.experts(servers.stream().map(ExpertServer::grpcEndpoint).toList(), Plaintext.LOOPBACK),
        Plaintext.LOOPBACK);
  }

  /** The events of some requests that run at once, apart from how much of the prompt was in the cache. */
  private static List<List<GenerationEvent>> answers(BatchingEngine engine, Architecture architecture) {
    List<Generation> running = new ArrayList<>();
    for (int i = 0; i < REQUESTS; i++) {
      running.add(engine.submit(request(i, architecture)));
    }
    return running.stream().map(FamiliesOnShardsTest::take).toList();
  }

  /** With the log-probabilities of the prompt where the model has no encoder. */
  private static GenerationRequest request(int i, Architecture architecture) {
    int vocabulary = architecture.vocabularySize();
    int[] prompt = new SplittableRandom(i).ints(3 + 5 * i, 0, vocabulary).toArray();
    GenerationRequest request = new GenerationRequest("r" + i, prompt, 6, SamplingParameters.GREEDY, Set.of(), 3,
        architecture.encoder() == null ? 2 : -1, false, null);
    return architecture.encoder() == null
        ? request
        : request.with(new EncoderInput(new SplittableRandom(50 + i).ints(1 + 9 * i, 0, vocabulary).toArray(),
            prompt.length));
  }

  private static List<GenerationEvent> take(Generation generation) {
    try (generation) {
      List<GenerationEvent> events = new ArrayList<>();
      while (true) {
        GenerationEvent event = generation.next(Duration.ofSeconds(30));
        if (event == null) {
          throw new AssertionError("no event for 30 s after " + events);
        }
        events.add(event instanceof GenerationEvent.PromptDone prompt
            ? new GenerationEvent.PromptDone(prompt.logprobs(), List.of(), 0)
            : event);
        if (event instanceof GenerationEvent.Finished || event instanceof GenerationEvent.Failed) {
          assertThat(event).isInstanceOf(GenerationEvent.Finished.class);
          return events;
        }
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
