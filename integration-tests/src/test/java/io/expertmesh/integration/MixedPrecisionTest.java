package io.expertmesh.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationEvent.PromptDone;
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
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.device.CpuDevices;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.transport.Plaintext;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Groups of one model that hold their experts in different types, in real expert servers. */
@Timeout(120)
class MixedPrecisionTest {
  private static final int EXPERTS = 16;
  private static final int VOCABULARY = 1024;
  private static final int PROMPT = 48;

  /** One server for each type, in the order of the groups; null for the stored type. */
  private record Groups(List<ExpertServer> servers) implements AutoCloseable {
    static Groups start(List<@Nullable DType> types) {
      List<ExpertServer> servers = new ArrayList<>();
      for (int group = 0; group < types.size(); group++) {
        servers.add(server(group * EXPERTS / types.size(), (group + 1) * EXPERTS / types.size() - 1, types.get(group)));
      }
      return new Groups(servers);
    }

    List<String> endpoints() {
      return servers.stream().map(ExpertServer::grpcEndpoint).toList();
    }

    @Override
    public void close() {
      servers.forEach(ExpertServer::close);
    }
  }

  private static ExpertServer server(int first, int last, @Nullable DType type) {
    return ExpertServer.start(new ExpertConfiguration("expert-%d-%s".formatted(first, type), "127.0.0.1", 0, 0, null,
        ExpertIds.parse(first + "-" + last), 0, CpuDevices.NAME, null, Numerics.FAST, 1, null,
        ExpertConfiguration.DEFAULT_QUEUED_ROWS, List.of(), Plaintext.LOOPBACK, Duration.ZERO, Duration.ofSeconds(10),
        type), DemoRequests.DEMO);
  }

  private static RemoteModel remote(List<String> endpoints, Duration patience) {
    return new RemoteModel("gateway",
        new RemoteSettings(Duration.ofSeconds(30), 1, patience, RemoteSettings.Wire.f32, Duration.ofSeconds(30), 1000,
            null),
        RemoteModel.experts(endpoints, Plaintext.LOOPBACK), Plaintext.LOOPBACK);
  }

  /** Log-probabilities of the prompts' tokens, which nothing that was generated before can move. */
  private static List<Double> logprobs(EmbeddedModel model) {
    List<Double> all = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      int[] prompt = new SplittableRandom(i).ints(PROMPT, 0, VOCABULARY).toArray();
      GenerationRequest request = new GenerationRequest("r" + i, prompt, 1, SamplingParameters.GREEDY, Set.of(), 1, 1,
          false, null);
      for (GenerationEvent event : DemoRequests.take(model.served().engine().submit(request), () -> {})) {
        if (event instanceof PromptDone done) {
          done.logprobs().stream().filter(Objects::nonNull).forEach(token -> all.add((double) token.logprob()));
        }
      }
    }
    assertThat(all).hasSize(4 * (PROMPT - 1));
    return all;
  }

  private static List<Double> inOneProcess(Checkpoint checkpoint) {
    try (EmbeddedModel model = EmbeddedModel.open(checkpoint, "demo", List.of(), Numerics.EXACT, 1)) {
      return logprobs(model);
    }
  }

  private static List<Double> through(List<String> endpoints) throws InterruptedException {
    try (RemoteModel remote = remote(endpoints, Duration.ofSeconds(30));
        EmbeddedModel model = EmbeddedModel.open(DemoRequests.DEMO, "demo", List.of(), Numerics.FAST, 1, remote)) {
      remote.awaitExperts();
      List<Double> answers = logprobs(model);
      assertThat(remote.experts().traffic().lostExperts()).isZero();
      return answers;
    }
  }

  private static double farthest(List<Double> some, List<Double> others) {
    double farthest = 0;
    for (int i = 0; i < some.size(); i++) {
      farthest = Math.max(farthest, Math.abs(some.get(i) - others.get(i)));
    }
    return farthest;
  }

  /**
   * The limits: a weight moves by at most half a step of its block, which is 1/254 of the block's largest weight in Q8_0
   * and 1/16 in Q4_0; an expert's output, which three matrices make, by about sqrt(3) times that; and a logit, of about
   * 15 at most here, by that share of itself if every expert of every layer erred the same way. Of BF16 only weights
   * below 2^-14 change in F16, by 2^-25.
   */
  @ParameterizedTest
  @CsvSource({"F16, 1e-4", "Q8_0, 0.1", "Q4_0, 1.6", "stored Q8_0 F16 Q4_0, 1.6"})
  void groupsComputeWithTheirOwnTypesCloseToTheModel(String names, double limit) throws InterruptedException {
    List<@Nullable DType> types = new ArrayList<>();
    Arrays.stream(names.split(" ")).forEach(name -> types.add(name.equals("stored") ? null : DType.valueOf(name)));
    List<Double> stored = inOneProcess(DemoRequests.DEMO);
    List<Double> mixed = inOneProcess(
        new MixedCheckpoint(DemoRequests.DEMO, expert -> types.get(expert * types.size() / EXPERTS)));
    try (Groups groups = Groups.start(types)) {
      List<Double> answers = through(groups.endpoints());
      assertThat(answers).as("the same bits as in one process, each expert in its group's type").isEqualTo(mixed);
      System.out.printf("| experts as %s | %.1e |%n", names, farthest(answers, stored));
      assertThat(farthest(answers, stored)).isLessThan(limit);
    }
  }

  @Test
  void replicasOfAGroupMayDifferUnlessBitsMatter() throws InterruptedException {
    List<Double> stored = inOneProcess(DemoRequests.DEMO);
    try (ExpertServer one = server(0, EXPERTS - 1, null); ExpertServer two = server(0, EXPERTS - 1, DType.Q8_0)) {
      assertThat(farthest(through(List.of(one.grpcEndpoint(), two.grpcEndpoint())), stored)).isLessThan(0.1);
      try (RemoteModel remote = remote(List.of(two.grpcEndpoint()), Duration.ofSeconds(2));
          EmbeddedModel exact = EmbeddedModel.open(DemoRequests.DEMO, "demo", List.of(), Numerics.EXACT, 1, remote)) {
        assertThatThrownBy(remote::awaitExperts)
            .isInstanceOfSatisfying(FailureException.class,
                failure -> assertThat(failure.category()).isEqualTo(FailureCategory.UNAVAILABLE))
            .hasMessageContaining("held as bf16 here and as q8_0 there").hasMessageContaining("--expert-dtype")
            .hasMessageContaining(two.grpcEndpoint());
        assertThat(exact.served().engine()).isNotNull();
      }
      try (RemoteModel remote = remote(List.of(one.grpcEndpoint(), two.grpcEndpoint()), Duration.ofSeconds(30));
          EmbeddedModel exact = EmbeddedModel.open(DemoRequests.DEMO, "demo", List.of(), Numerics.EXACT, 1, remote)) {
        remote.awaitExperts();
        assertThat(logprobs(exact)).as("only the replica that holds the model's type is asked").isEqualTo(stored);
      }
    }
  }
}
