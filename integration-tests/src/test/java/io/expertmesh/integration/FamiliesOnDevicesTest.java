package io.expertmesh.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.expertmesh.engine.api.EncoderInput;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationEvent.Token;
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
import io.expertmesh.model.family.BoundModel;
import io.expertmesh.model.family.ExpertSelection;
import io.expertmesh.model.family.ModelExperts;
import io.expertmesh.model.family.ModelFingerprint;
import io.expertmesh.transport.Plaintext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Models give the tokens of the Python reference, their experts behind gRPC: all of them on a TornadoVM device, then a
 * third of them there and the others on the CPU. Prints how far log-probabilities are from the CPU's.
 *
 * <p>Runs in a JVM of its own, with TornadoVM's arguments, where an SDK is found: see the module's pom.
 */
@Timeout(300)
class FamiliesOnDevicesTest {
  private static final Path GOLDEN = Path.of("../model/src/test/resources/golden");
  private static final String DEVICE = "tornado";
  /** Of log-probabilities: sums are in another order, and a router may turn a difference of a bit into one of a few. */
  private static final double TOLERANCE = 1e-3;
  private static final EngineConfiguration ENGINE = new EngineConfiguration(1, 4, 8, 64, 4, 128);

  /** One golden case for each kind of expert; the property names others, or has {@code all} for one of each family. */
  private static final String KINDS = "olmoe-base-f32,gpt-oss-mxfp4-bf16,openmoe-base-f32,nllb-base-f32";
  private static final String FAMILIES = """
      olmoe-base-f32,mixtral-bf16,qwen2-moe-sparse-f32,qwen3-moe-bf16,deepseek-base-f32,deepseek-v2-lite-f32,\
      deepseek-v3-bf16,gpt-oss-mxfp4-bf16,phimoe-window-f32,flex-olmo-plain-f32,granitemoe-bias-f32,glm4-moe-norms-f32,\
      openmoe-base-f32,switch-base-f32,nllb-base-f32""";
  private static final String CASES = System.getProperty("expertmesh.devices.cases", KINDS);

  @BeforeAll
  static void needsTornadoVm() {
    Assumptions.assumeTrue(ModuleLayer.boot().findModule("tornado.api").isPresent(),
        "SKIPPED: this JVM was started without TornadoVM");
  }

  static Stream<String> cases() {
    return Stream.of((CASES.equals("all") ? FAMILIES : CASES).split(","));
  }

  private record Answer(List<Integer> ids, List<Double> logprobs) {}

  @ParameterizedTest
  @MethodSource("cases")
  void devicesGiveTheReferencesTokens(String name) throws IOException, InterruptedException {
    Checkpoint checkpoint = SafetensorsCheckpoint.open(GOLDEN.resolve(name));
    JsonNode reference = JsonMapper.shared().readTree(Files.readString(GOLDEN.resolve(name).resolve("reference.json")));
    JsonNode prompts = reference.path("runs").path(0).path("prompts");
    Kernels kernels = KernelSelection.kernels();
    BoundModel whole = BoundModel.of(checkpoint, kernels);
    List<Answer> onCpu;
    try (BatchingEngine engine = BatchingEngine.start(whole.architecture(), whole.weights(), kernels, ENGINE)) {
      onCpu = answers(engine, whole.architecture(), prompts);
    }
    double all = farthest(onCpu, onDevices(checkpoint, kernels, prompts, List.of(DEVICE)), prompts);
    double some = farthest(onCpu, onDevices(checkpoint, kernels, prompts, List.of(DEVICE, "cpu", "cpu")), prompts);
    System.out.printf("| %s | %d | %.1e | %.1e |%n", name, prompts.size(), all, some);
  }

  /** Answers of a model whose experts are shared out among so many processes' worth of servers in this JVM. */
  private static List<Answer> onDevices(Checkpoint checkpoint, Kernels kernels, JsonNode prompts, List<String> backends)
      throws InterruptedException {
    BoundModel gateway = BoundModel.of(checkpoint, kernels, ExpertSelection.NONE);
    ModelFingerprint fingerprint = ModelFingerprint.of(ModelExperts.of(checkpoint, kernels), kernels.numerics(),
        Numerics.FAST, null);
    List<ExpertServer> servers = new ArrayList<>();
    try {
      int experts = gateway.architecture().experts();
      for (int i = 0; i < backends.size(); i++) {
        servers.add(server(checkpoint, backends.get(i), experts * i / backends.size(),
            experts * (i + 1) / backends.size() - 1));
      }
      assertThat(servers.getFirst().process().backend()).startsWith(DEVICE);
      try (RemoteModel remote = new RemoteModel("gateway",
          new RemoteSettings(Duration.ofSeconds(60), 1, Duration.ofSeconds(60), RemoteSettings.Wire.f32,
              Duration.ofSeconds(30), 1000, null),
          RemoteModel.experts(servers.stream().map(ExpertServer::grpcEndpoint).toList(), Plaintext.LOOPBACK),
          Plaintext.LOOPBACK);
          BatchingEngine engine = BatchingEngine.start(gateway.architecture(), gateway.weights(), kernels, ENGINE,
              remote.open(gateway.architecture(), fingerprint))) {
        remote.awaitExperts();
        List<Answer> answers = answers(engine, gateway.architecture(), prompts);
        assertThat(remote.experts().traffic().lostExperts()).isZero();
        return answers;
      }
    } finally {
      servers.forEach(ExpertServer::close);
    }
  }

  private static ExpertServer server(Checkpoint checkpoint, String backend, int first, int last) {
    return ExpertServer.start(new ExpertConfiguration("shard-" + first, "127.0.0.1", 0, 0, null,
        ExpertIds.parse(first + "-" + last), 0, backend, null, Numerics.FAST, 1, null,
        ExpertConfiguration.DEFAULT_QUEUED_ROWS, List.of(), Plaintext.LOOPBACK, Duration.ZERO,
        Duration.ofSeconds(10)), checkpoint);
  }

  /** The largest difference of log-probabilities, where all tokens are the reference's. */
  private static double farthest(List<Answer> onCpu, List<Answer> onDevice, JsonNode prompts) {
    double farthest = 0;
    for (int i = 0; i < onDevice.size(); i++) {
      int forced = prompts.path(i).has("forced_bos_token_id") ? 1 : 0;
      List<Integer> right = IntStream.of(ids(prompts.path(i).path("greedy_token_ids"))).skip(forced).boxed().toList();
      assertThat(onDevice.get(i).ids()).isEqualTo(right);
      for (int k = 0; k < right.size(); k++) {
        double should = onCpu.get(i).logprobs().get(k);
        assertThat(onDevice.get(i).logprobs().get(k)).isCloseTo(should, within(TOLERANCE));
        farthest = Math.max(farthest, Math.abs(onDevice.get(i).logprobs().get(k) - should));
      }
    }
    return farthest;
  }

  private static List<Answer> answers(BatchingEngine engine, Architecture architecture, JsonNode prompts) {
    List<Answer> answers = new ArrayList<>();
    for (JsonNode prompt : prompts) {
      List<Token> tokens = new ArrayList<>();
      for (GenerationEvent event : DemoRequests.take(engine.submit(request(architecture, prompt)), () -> {})) {
        if (event instanceof Token token) {
          tokens.add(token);
        }
        assertThat(event).isNotInstanceOf(GenerationEvent.Failed.class);
      }
      answers.add(new Answer(tokens.stream().map(Token::id).toList(),
          tokens.stream().map(token -> (double) Objects.requireNonNull(token.logprobs()).logprob()).toList()));
    }
    return answers;
  }

  private static GenerationRequest request(Architecture architecture, JsonNode prompt) {
    int[] ids = ids(prompt.path("token_ids"));
    int generated = prompt.path("greedy_token_ids").size();
    if (architecture.encoder() == null) {
      return request(ids, generated);
    }
    int[] start = ids(prompt.path("decoder_token_ids"));
    int[] forced = prompt.has("forced_bos_token_id")
        ? new int[]{prompt.path("forced_bos_token_id").asInt()}
        : new int[0];
    return request(IntStream.concat(IntStream.of(start), IntStream.of(forced)).toArray(), generated - forced.length)
        .with(new EncoderInput(ids, start.length));
  }

  private static GenerationRequest request(int[] ids, int generated) {
    return new GenerationRequest("r", ids, generated, SamplingParameters.GREEDY, Set.of(), 1, -1, false, null);
  }

  private static int[] ids(JsonNode array) {
    return IntStream.range(0, array.size()).map(i -> array.path(i).asInt()).toArray();
  }
}
