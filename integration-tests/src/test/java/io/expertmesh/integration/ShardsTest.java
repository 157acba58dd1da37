package io.expertmesh.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.api.Generation;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.expert.ExpertConfiguration;
import io.expertmesh.expert.ExpertIds;
import io.expertmesh.expert.ExpertServer;
import io.expertmesh.gateway.remote.ExpertTraffic;
import io.expertmesh.gateway.remote.RemoteModel;
import io.expertmesh.gateway.remote.RemoteSettings;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.device.CpuDevices;
import io.expertmesh.transport.Plaintext;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where experts are computed, and what happens to them, changes no token and no bit of a log-probability. */
@Timeout(180)
class ShardsTest {
  private static final int EXPERTS = 16;
  private static List<List<GenerationEvent>> expected = List.of();

  @BeforeAll
  static void answerInOneProcess() {
    expected = DemoRequests.answersInOneProcess();
  }

  /** Expert processes, in this one: by replica, then by shard. */
  private record Shards(List<List<ExpertServer>> replicas) implements AutoCloseable {
    static Shards start(int shards, int copies) {
      List<List<ExpertServer>> replicas = new ArrayList<>();
      int size = EXPERTS / shards;
      for (int copy = 0; copy < copies; copy++) {
        List<ExpertServer> servers = new ArrayList<>();
        for (int shard = 0; shard < shards; shard++) {
          servers.add(ExpertServer.start(new ExpertConfiguration("expert-%d-%d".formatted(shard, copy), "127.0.0.1", 0,
              0, null, ExpertIds.parse("%d-%d".formatted(shard * size, (shard + 1) * size - 1)), 0, CpuDevices.NAME,
              null, Numerics.EXACT, 1,
              null,
              ExpertConfiguration.DEFAULT_QUEUED_ROWS, List.of(), Plaintext.LOOPBACK, Duration.ZERO,
              Duration.ofSeconds(10)), DemoRequests.DEMO));
        }
        replicas.add(servers);
      }
      return new Shards(replicas);
    }

    List<String> endpoints(int copies) {
      return replicas.subList(0, copies).stream().flatMap(List::stream).map(ExpertServer::grpcEndpoint).toList();
    }

    @Override
    public void close() {
      replicas.forEach(servers -> servers.forEach(ExpertServer::close));
    }
  }

  /** A gateway's model, its experts at {@code endpoints}. */
  private record Gateway(RemoteModel remote, EmbeddedModel model) implements AutoCloseable {
    static Gateway of(String name, List<String> endpoints, int microBatches) throws InterruptedException {
      RemoteModel remote = new RemoteModel(name,
          new RemoteSettings(Duration.ofSeconds(30), microBatches, Duration.ofSeconds(30), RemoteSettings.Wire.f32,
              Duration.ofSeconds(30), 1000, null),
          RemoteModel.experts(endpoints, Plaintext.LOOPBACK), Plaintext.LOOPBACK);
      EmbeddedModel model = EmbeddedModel.open(DemoRequests.DEMO, "demo", List.of(), Numerics.EXACT, 1, remote);
      remote.awaitExperts();
      assertThat(remote.experts().unavailable()).isEmpty();
      return new Gateway(remote, model);
    }

    @Override
    public void close() {
      model.close();
      remote.close();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4, 16})
  void shardsReplicasAndGatewaysDoNotChangeABit(int shards) throws InterruptedException {
    try (Shards experts = Shards.start(shards, 2);
        Gateway one = Gateway.of("one", experts.endpoints(1), 1);
        Gateway two = Gateway.of("two", experts.endpoints(2), 2)) {
      assertThat(DemoRequests.answers(one.model(), 1)).isEqualTo(expected);
      CompletableFuture<List<List<GenerationEvent>>> other = CompletableFuture.supplyAsync(
          () -> DemoRequests.answers(one.model(), 16));
      assertThat(DemoRequests.answers(two.model(), 16)).isEqualTo(expected);
      assertThat(other.join()).isEqualTo(expected);
      ExpertTraffic traffic = one.remote().experts().traffic();
      assertThat(traffic.lostExperts()).isZero();
      assertThat(traffic.messagesOut()).isLessThanOrEqualTo(traffic.calls() * shards);
      assertThat(traffic.rows()).isEqualTo(traffic.tokens() * 4);
    }
  }

  @Test
  void aReplicaThatStopsHalfwayChangesNothing() throws InterruptedException {
    try (Shards experts = Shards.start(2, 2); Gateway gateway = Gateway.of("one", experts.endpoints(2), 1)) {
      List<Generation> running = DemoRequests.ALL.stream().map(gateway.model().served().engine()::submit).toList();
      List<List<GenerationEvent>> answers = new ArrayList<>();
      int[] tokens = {0};
      for (Generation generation : running) {
        answers.add(DemoRequests.take(generation, () -> {
          if (++tokens[0] == 5) {
            experts.replicas().getFirst().forEach(ExpertServer::close);
          }
        }));
      }
      assertThat(answers).isEqualTo(expected);
      assertThat(DemoRequests.answers(gateway.model(), 16)).isEqualTo(expected);
      assertThat(gateway.remote().experts().traffic().lostExperts()).isZero();
    }
  }
}
