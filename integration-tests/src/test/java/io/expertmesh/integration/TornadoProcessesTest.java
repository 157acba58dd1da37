package io.expertmesh.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.expertmesh.cli.Main;
import io.expertmesh.cli.cluster.Backends;
import io.expertmesh.cli.cluster.Cluster;
import io.expertmesh.cli.cluster.ClusterLayout;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationEvent.Token;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.gateway.remote.RemoteModel;
import io.expertmesh.gateway.remote.RemoteSettings;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.transport.Plaintext;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Real expert processes, one on a TornadoVM device and one on the CPU, give the embedded model's tokens. Skipped, with
 * the reason, where there is no TornadoVM SDK.
 */
@Timeout(300)
class TornadoProcessesTest {
  private static final Path MODULE = Path.of("../kernels-tornado").toAbsolutePath().normalize();
  /** Of log-probabilities: the device's sums are in another order. */
  private static final double TOLERANCE = 1e-4;

  @TempDir
  private Path folder = Path.of("");

  @Test
  void aGroupOnADeviceAndOneOnTheCpuGiveTheEmbeddedTokens() throws IOException, InterruptedException {
    Path arguments = folder.resolve("tornado.args");
    Process script = new ProcessBuilder(MODULE.resolve("java-arguments").toString()).redirectOutput(arguments.toFile())
        .start();
    String missing = new String(script.getErrorStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    Assumptions.assumeTrue(script.waitFor() == 0, "SKIPPED: " + missing);
    Path kernels = MODULE.resolve("target/classes");
    Assumptions.assumeTrue(Files.isDirectory(kernels.resolve("META-INF/services")),
        "SKIPPED: kernels-tornado is not built");
    System.setProperty("expertmesh.tornado.arguments", arguments.toString());
    System.setProperty("expertmesh.tornado.classpath", kernels.toString());

    List<GenerationRequest> requests = DemoRequests.ALL.stream()
        .filter(request -> request.sampling().equals(SamplingParameters.GREEDY)).toList();
    List<List<Token>> expected;
    try (EmbeddedModel embedded = EmbeddedModel.open(DemoRequests.DEMO, "demo", List.of(), Numerics.FAST, 1)) {
      expected = tokens(embedded, requests);
    }
    ClusterLayout layout = new ClusterLayout(16, 2, 1, 0, ClusterLayout.Placement.FIXED, "127.0.0.1", 0, 0, 1,
        new Backends(List.of("tornado", "cpu"), List.of()), List.of(),
        List.of("--model", Path.of("../models/demo").toAbsolutePath().normalize().toString()), List.of(),
        role -> List.of(), null, false);
    Consumer<String> log = System.err::println;
    try (Cluster cluster = Cluster.start(layout, Main.class.getName(), log);
        RemoteModel remote = new RemoteModel("test",
            new RemoteSettings(Duration.ofSeconds(30), 1, Duration.ofSeconds(30), RemoteSettings.Wire.f32,
                Duration.ofSeconds(30), 1000, null),
            RemoteModel.experts(cluster.experts().stream()
                .map(expert -> expert.process().firstReady().join().grpc()).toList(), Plaintext.LOOPBACK),
            Plaintext.LOOPBACK);
        EmbeddedModel model = EmbeddedModel.open(DemoRequests.DEMO, "demo", List.of(), Numerics.FAST, 1, remote)) {
      remote.awaitExperts();
      List<List<Token>> answers = tokens(model, requests);
      double worst = 0;
      for (int i = 0; i < answers.size(); i++) {
        assertThat(answers.get(i)).extracting(Token::id)
            .isEqualTo(expected.get(i).stream().map(Token::id).toList());
        for (int k = 0; k < answers.get(i).size(); k++) {
          double is = logprob(answers.get(i).get(k));
          double should = logprob(expected.get(i).get(k));
          assertThat(is).isCloseTo(should, within(TOLERANCE));
          worst = Math.max(worst, Math.abs(is - should));
        }
      }
      assertThat(worst).as("the device computed: its bits are not the CPU's").isPositive();
    }
  }

  private static double logprob(Token token) {
    return Objects.requireNonNull(token.logprobs()).logprob();
  }

  private static List<List<Token>> tokens(EmbeddedModel model, List<GenerationRequest> requests) {
    return requests.stream().map(model.served().engine()::submit)
        .map(generation -> DemoRequests.take(generation, () -> {}))
        .map(events -> events.stream().flatMap(TornadoProcessesTest::token).toList()).toList();
  }

  private static Stream<Token> token(GenerationEvent event) {
    return event instanceof Token token ? Stream.of(token) : Stream.empty();
  }
}
