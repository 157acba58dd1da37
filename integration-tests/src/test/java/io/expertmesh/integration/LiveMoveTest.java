package io.expertmesh.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.expert.ExpertConfiguration;
import io.expertmesh.expert.ExpertIds;
import io.expertmesh.expert.ExpertServer;
import io.expertmesh.gateway.remote.RemoteModel;
import io.expertmesh.gateway.remote.RemoteSettings;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.device.CpuDevices;
import io.expertmesh.router.RouterConfiguration;
import io.expertmesh.router.RouterServer;
import io.expertmesh.transport.Plaintext;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A router that places experts and moves them from process to process while requests run, of which none notices. */
@Timeout(180)
class LiveMoveTest {
  private static final List<Integer> EVERY = IntStream.range(0, 16).boxed().toList();
  private static List<List<GenerationEvent>> expected = List.of();

  private final HttpClient http = HttpClient.newHttpClient();
  private final List<AutoCloseable> opened = new ArrayList<>();
  private RouterServer router;
  private ExpertServer one;
  private ExpertServer two;
  private RemoteModel remote;
  private EmbeddedModel model;

  @BeforeAll
  static void answerInOneProcess() {
    expected = DemoRequests.answersInOneProcess();
  }

  @BeforeEach
  void start() throws InterruptedException {
    router = keep(RouterServer.start(RouterConfiguration.read(Map.of("expertmesh.router.port", 0,
        "expertmesh.router.http-port", 0, "expertmesh.router.auto-shards", 2, "expertmesh.router.auto-grace", "300ms"),
        null), Plaintext.LOOPBACK));
    one = keep(expert("one"));
    two = keep(expert("two"));
    remote = keep(new RemoteModel("gateway", RemoteSettings.defaults(),
        RemoteModel.routers("gateway", List.of(router.endpoint()), null, Plaintext.LOOPBACK), Plaintext.LOOPBACK));
    model = keep(EmbeddedModel.open(DemoRequests.DEMO, "demo", List.of(), Numerics.EXACT, 1, remote));
    remote.awaitExperts();
    assertThat(held(one)).hasSize(8).doesNotContainAnyElementsOf(held(two));
    assertThat(held(two)).hasSize(8);
  }

  @AfterEach
  void stop() throws Exception {
    for (AutoCloseable each : opened.reversed()) {
      each.close();
    }
  }

  @Test
  void expertsMoveThereAndBackWhileRequestsRun() throws Exception {
    try (Load load = new Load()) {
      for (int round = 0; round < 3; round++) {
        List<Integer> some = held(one).subList(0, 4);
        move(some, "one", "two");
        await(() -> held(two).containsAll(some) && held(one).stream().noneMatch(some::contains));
        load.awaitRounds(1);
        move(some, "two", "one");
        await(() -> held(one).containsAll(some) && held(two).stream().noneMatch(some::contains));
      }
    }
    assertUntouched();
  }

  @Test
  void aDrainedProcessIsEmptiedAndAnotherTakesOver() throws Exception {
    try (Load load = new Load()) {
      admin("processes/one/drain", "{}");
      await(() -> held(two).equals(EVERY) && held(one).isEmpty());
      load.awaitRounds(1);
      ExpertServer three = keep(expert("three"));
      move(EVERY.subList(0, 8), "two", "three");
      await(() -> held(three).equals(EVERY.subList(0, 8)) && held(two).equals(EVERY.subList(8, 16)));
      load.awaitRounds(1);
      one.close();
      load.awaitRounds(1);
    }
    assertUntouched();
  }

  @Test
  void theExpertsOfAProcessThatStopsAreTakenOver() throws Exception {
    try (Load load = new Load()) {
      admin("moves", moves(held(one), "", "two"));
      await(() -> held(two).equals(EVERY));
      one.close();
      load.awaitRounds(2);
    }
    assertThat(remote.experts().traffic().lostExperts()).isZero();
  }

  private void assertUntouched() {
    assertThat(remote.experts().traffic().lostExperts()).isZero();
  }

  private <T extends AutoCloseable> T keep(T each) {
    opened.add(each);
    return each;
  }

  private ExpertServer expert(String name) {
    return ExpertServer.start(new ExpertConfiguration(name, "127.0.0.1", 0, 0, null, ExpertIds.parse("auto"), 0,
        CpuDevices.NAME, null, Numerics.EXACT, 1, null, ExpertConfiguration.DEFAULT_QUEUED_ROWS,
        List.of(router.endpoint()),
        Plaintext.LOOPBACK, Duration.ofSeconds(5), Duration.ofSeconds(10)), DemoRequests.DEMO);
  }

  private static List<Integer> held(ExpertServer server) {
    return server.process().holding().ids();
  }

  private void move(List<Integer> experts, String from, String to) throws Exception {
    admin("moves", moves(experts, from, to));
  }

  private static String moves(List<Integer> experts, String from, String to) {
    return experts.stream().map(id -> "{\"expert_id\": %d, \"from\": \"%s\", \"to\": \"%s\"}".formatted(id, from, to))
        .collect(Collectors.joining(", ", "{\"moves\": [", "]}"));
  }

  private void admin(String path, String body) throws Exception {
    HttpResponse<String> response = http.send(HttpRequest.newBuilder(URI.create(router.url() + "/v1/admin/" + path))
        .header("Content-Type", "application/json").POST(BodyPublishers.ofString(body)).build(),
        BodyHandlers.ofString());
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("time").isLessThan(end);
      Thread.sleep(1);
    }
  }

  /** All requests at once, again and again; closing it ends the last round. */
  private final class Load implements AutoCloseable {
    private final AtomicInteger rounds = new AtomicInteger();
    private volatile boolean enough;
    private final CompletableFuture<Void> running = CompletableFuture.runAsync(this::ask);

    private void ask() {
      while (!enough) {
        assertThat(DemoRequests.answers(model, 16)).isEqualTo(expected);
        rounds.incrementAndGet();
      }
    }

    /** So many more rounds that began after this was called. */
    void awaitRounds(int more) throws InterruptedException {
      int target = rounds.get() + more + 1;
      await(() -> rounds.get() >= target || running.isDone());
    }

    @Override
    public void close() {
      enough = true;
      running.join();
    }
  }
}
