package io.expertmesh.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationEvent.Token;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.expert.ExpertConfiguration;
import io.expertmesh.expert.ExpertIds;
import io.expertmesh.expert.ExpertServer;
import io.expertmesh.gateway.remote.RemoteModel;
import io.expertmesh.gateway.remote.RemoteSettings;
import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.transport.Plaintext;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Groups that hold their experts in different types, some on a TornadoVM device, give the tokens of one process whose
 * experts have these types. Runs as {@link FamiliesOnDevicesTest} does.
 */
@Timeout(300)
class MixedPrecisionOnDevicesTest {
  /** Of log-probabilities: sums are in another order. */
  private static final double TOLERANCE = 1e-3;
  private static final List<GenerationRequest> REQUESTS = DemoRequests.ALL.stream()
      .filter(request -> request.sampling().equals(SamplingParameters.GREEDY)).limit(4).toList();

  private record Group(String backend, @Nullable DType type) {}

  private static final List<Group> GROUPS = List.of(new Group("tornado", DType.Q8_0),
      new Group("tornado", DType.Q4_0), new Group("tornado", DType.F16), new Group("cpu", null));

  @BeforeAll
  static void needsTornadoVm() {
    Assumptions.assumeTrue(ModuleLayer.boot().findModule("tornado.api").isPresent(),
        "SKIPPED: this JVM was started without TornadoVM");
  }

  @Test
  void groupsOnDevicesComputeWithTheirOwnTypes() throws InterruptedException {
    int size = 16 / GROUPS.size();
    List<List<Token>> expected;
    try (EmbeddedModel whole = EmbeddedModel.open(
        new MixedCheckpoint(DemoRequests.DEMO, expert -> GROUPS.get(expert / size).type()), "demo", List.of(),
        Numerics.FAST, 1)) {
      expected = tokens(whole);
    }
    List<ExpertServer> servers = new ArrayList<>();
    try {
      for (int i = 0; i < GROUPS.size(); i++) {
        Group group = GROUPS.get(i);
        servers.add(ExpertServer.start(new ExpertConfiguration("group-" + i, "127.0.0.1", 0, 0, null,
            ExpertIds.parse(size * i + "-" + (size * (i + 1) - 1)), 0, group.backend(), null, Numerics.FAST, 1, null,
            ExpertConfiguration.DEFAULT_QUEUED_ROWS, List.of(), Plaintext.LOOPBACK, Duration.ZERO,
            Duration.ofSeconds(10), group.type()), DemoRequests.DEMO));
      }
      assertThat(servers).extracting(server -> server.process().dtype())
          .containsExactly("q8_0", "q4_0", "f16", "bf16");
      assertThat(servers.getFirst().process().backend()).startsWith("tornado");
      try (RemoteModel remote = new RemoteModel("gateway",
          new RemoteSettings(Duration.ofSeconds(60), 1, Duration.ofSeconds(60), RemoteSettings.Wire.f32,
              Duration.ofSeconds(30), 1000, null),
          RemoteModel.experts(servers.stream().map(ExpertServer::grpcEndpoint).toList(), Plaintext.LOOPBACK),
          Plaintext.LOOPBACK);
          EmbeddedModel model = EmbeddedModel.open(DemoRequests.DEMO, "demo", List.of(), Numerics.FAST, 1, remote)) {
        remote.awaitExperts();
        compare(tokens(model), expected);
        assertThat(remote.experts().traffic().lostExperts()).isZero();
      }
    } finally {
      servers.forEach(ExpertServer::close);
    }
  }

  private static void compare(List<List<Token>> answers, List<List<Token>> expected) {
    for (int i = 0; i < expected.size(); i++) {
      assertThat(answers.get(i)).extracting(Token::id)
          .isEqualTo(expected.get(i).stream().map(Token::id).toList());
      for (int k = 0; k < expected.get(i).size(); k++) {
        assertThat(logprob(answers.get(i).get(k))).isCloseTo(logprob(expected.get(i).get(k)), within(TOLERANCE));
      }
    }
  }

  private static double logprob(Token token) {
    return Objects.requireNonNull(token.logprobs()).logprob();
  }

  private static List<List<Token>> tokens(EmbeddedModel model) {
    List<List<Token>> all = new ArrayList<>();
    for (GenerationRequest request : REQUESTS) {
      List<Token> tokens = new ArrayList<>();
      for (GenerationEvent event : DemoRequests.take(model.served().engine().submit(request), () -> {})) {
        if (event instanceof Token token) {
          tokens.add(token);
        }
      }
      all.add(tokens);
    }
    return all;
  }
}
