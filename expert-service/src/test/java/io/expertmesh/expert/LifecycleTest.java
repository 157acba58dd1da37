package io.expertmesh.expert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.device.CpuDevices;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.DType;
import io.expertmesh.proto.v1.ExpertLoad;
import io.expertmesh.proto.v1.ExpertServiceGrpc;
import io.expertmesh.proto.v1.ForwardRequest;
import io.expertmesh.proto.v1.ForwardResponse;
import io.expertmesh.proto.v1.Hello;
import io.expertmesh.proto.v1.ProcessState;
import io.expertmesh.proto.v1.RegisterRequest;
import io.expertmesh.proto.v1.RejectionReason;
import io.expertmesh.transport.Channels;
import io.expertmesh.transport.Plaintext;
import io.expertmesh.transport.Role;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LifecycleTest {
  private static final List<Integer> HELD = List.of(1, 2);

  private final SplittableRandom random = new SplittableRandom(11);

  private static ExpertConfiguration configuration(String experts, String routers, Duration unreadTimeout) {
    ExpertConfiguration d = ExpertConfiguration.of("test", ExpertIds.parse(experts));
    return new ExpertConfiguration(d.name(), d.host(), 0, 0, null, d.experts(), 4, CpuDevices.NAME, null, d.numerics(),
        1, "v1", 3000,
        routers.isEmpty() ? List.of() : List.of(routers.split(",")), d.security(), Duration.ofSeconds(5),
        unreadTimeout);
  }

  private static ExpertServer start(String experts, String routers) {
    return ExpertServer.start(configuration(experts, routers, Duration.ofSeconds(10)),
        Checkpoint.open(TestBatch.DEMO));
  }

  private static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("it did not happen for 20 s");
      }
      Thread.onSpinWait();
    }
  }

  @Test
  void registersWithTheRouterThatLeadsAndReportsLoad() {
    try (TestRouter follower = new TestRouter(false); TestRouter leader = new TestRouter(true)) {
      try (ExpertServer server = start("1-2", follower.endpoint() + "," + leader.endpoint())) {
        RegisterRequest ready = leader.hear(r -> r.getState() == ProcessState.PROCESS_STATE_READY);
        assertThat(ready.getName()).isEqualTo("test");
        assertThat(ready.getEndpoint()).isEqualTo(server.grpcEndpoint());
        assertThat(ready.getHttp()).isEqualTo(server.httpUrl());
        assertThat(ready.getExpertIdsList()).containsExactly(1, 2);
        assertThat(ready.getFingerprint().getVersion()).isEqualTo("v1");
        assertThat(ready.getFingerprint().getExpertDigestsMap()).containsOnlyKeys(1, 2);
        assertThat(ready.getTakesAssignments()).isFalse();
        try (TestGateway gateway = TestGateway.welcomed(server.grpcEndpoint())) {
          TestBatch batch = TestBatch.random(random, 1, HELD, 5);
          gateway.send(batch.message());
          gateway.next();
          RegisterRequest loaded = leader.hear(r -> r.getLoad().getExpertsCount() > 0);
          assertThat(loaded.getLoad().getExpertsList().stream().mapToLong(ExpertLoad::getRows).sum())
              .isEqualTo(batch.message().getTokensCount());
          assertThat(loaded.getLoad().getExperts(0).getLayer()).isEqualTo(batch.message().getLayer());
        }
      }
      leader.hear(r -> r.getState() == ProcessState.PROCESS_STATE_DRAINING);
      leader.hear(r -> r.equals(RegisterRequest.getDefaultInstance()));
    }
  }

  @Test
  void followsAssignmentsWhileCallsRun() throws InterruptedException {
    try (TestRouter router = new TestRouter(true); ExpertServer server = start("auto", router.endpoint())) {
      RegisterRequest empty = router.hear(r -> r.getState() == ProcessState.PROCESS_STATE_READY);
      assertThat(empty.getTakesAssignments()).isTrue();
      assertThat(empty.getMaxExperts()).isEqualTo(4);
      assertThat(empty.getExpertIdsList()).isEmpty();
      assertThat(empty.getFingerprint().getExpertDigestsMap()).hasSize(16);
      router.assign(1, List.of(1, 2));
      router.hear(r -> r.getAssignmentId() == 1 && r.getExpertIdsList().equals(List.of(1, 2)));
      try (TestGateway gateway = TestGateway.welcomed(server.grpcEndpoint())) {
        CountDownLatch moved = new CountDownLatch(1);
        CompletableFuture<Void> moving = CompletableFuture.runAsync(() -> {
          router.assign(2, List.of(2, 7, 8));
          router.hear(r -> r.getAssignmentId() == 2 && r.getExpertIdsList().equals(List.of(2, 7, 8)));
          moved.countDown();
        });
        for (int i = 0; moved.getCount() > 0 || i < 10; i++) { // expert 2 stays all the time
          TestBatch batch = TestBatch.random(random, i, List.of(2), 8);
          gateway.send(batch.message());
          assertThat(TestGateway.outputs(gateway.next())).isEqualTo(batch.expected());
        }
        moving.join();
        TestBatch fresh = TestBatch.random(random, 1, List.of(7), 3);
        gateway.send(fresh.message());
        assertThat(TestGateway.outputs(gateway.next())).isEqualTo(fresh.expected());
        gateway.send(TestBatch.random(random, 2, List.of(1), 3).message());
        assertThat(gateway.next().getRejection().getReason())
            .isEqualTo(RejectionReason.REJECTION_REASON_UNKNOWN_EXPERT);
        router.assign(3, List.of(1, 2, 3, 4, 5)); // more than it takes
        router.assign(4, List.of(99));
        router.assign(5, List.of(7));
        router.hear(r -> r.getAssignmentId() == 5 && r.getExpertIdsList().equals(List.of(7)));
      }
    }
  }

  private static ExpertConfiguration listening(String host, @Nullable String advertise, String router) {
    ExpertConfiguration d = ExpertConfiguration.of("test", ExpertIds.parse("1-2"));
    return new ExpertConfiguration(d.name(), host, 0, 0, advertise, d.experts(), 0, CpuDevices.NAME, null, d.numerics(),
        1, "v1", 3000,
        List.of(router), Plaintext.ANYWHERE, d.drainTimeout(), d.unreadTimeout());
  }

  @Test
  void registersTheHostThatOthersReach() {
    try (TestRouter router = new TestRouter(true);
        ExpertServer server = ExpertServer.start(listening("0.0.0.0", "pod-7.experts", router.endpoint()),
            Checkpoint.open(TestBatch.DEMO))) {
      RegisterRequest said = router.hear(r -> true);
      assertThat(said.getEndpoint()).isEqualTo("pod-7.experts:" + server.grpcEndpoint().split(":")[1]);
      assertThat(said.getHttp()).startsWith("http://pod-7.experts:");
      assertThat(server.grpcEndpoint()).startsWith("127.0.0.1:");
    }
    assertThat(listening("0.0.0.0", null, "localhost:1").advertised(9)).isEqualTo("127.0.0.1:9");
    assertThat(listening("10.1.2.3", null, "10.0.0.1:1").advertised(9)).isEqualTo("10.1.2.3:9");
    assertThat(listening("::", "2001:db8::7", "10.0.0.1:1").advertised(9)).isEqualTo("[2001:db8::7]:9");
  }

  @Test
  void aHostThatSaysNothingIsNotAdvertised() {
    assertThat(listening("127.0.0.1", null, "10.0.0.1:1").isOutOfReach()).isTrue();
    assertThat(listening("10.1.2.3", null, "10.0.0.1:1").isOutOfReach()).isFalse();
    for (String everywhere : List.of("0.0.0.0", "::")) {
      assertThatThrownBy(() -> listening(everywhere, null, "10.0.0.1:1")).isInstanceOf(FailureException.class)
          .hasMessageContaining("--host " + everywhere + " is every address").hasMessageContaining("--advertise");
    }
    for (String none : List.of("0.0.0.0", "10.1.2.3:9100", "a b", "")) {
      assertThatThrownBy(() -> listening("0.0.0.0", none, "10.0.0.1:1")).isInstanceOf(FailureException.class)
          .hasMessageContaining("--advertise is '" + none + "'");
    }
  }

  private static int get(ExpertServer server, String path) {
    return response(server, path).statusCode();
  }

  private static String body(ExpertServer server, String path) {
    return response(server, path).body();
  }

  private static HttpResponse<String> response(ExpertServer server, String path) {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client.send(HttpRequest.newBuilder(URI.create(server.httpUrl() + path)).build(), BodyHandlers.ofString());
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static ServingStatus inService(ExpertServer server) {
    ManagedChannel channel = Channels.open(server.grpcEndpoint(), Role.EXPERT, Plaintext.LOOPBACK, Runnable::run);
    try {
      return HealthGrpc.newBlockingStub(channel)
          .check(HealthCheckRequest.newBuilder().setService(ExpertServer.IN_SERVICE).build()).getStatus();
    } finally {
      channel.shutdownNow();
    }
  }

  @Test
  void servesWithoutItsRouterButIsNotInService() {
    try (ExpertServer server = start("1-2", "127.0.0.1:1")) {
      assertThat(server.process().isReady()).isTrue();
      assertThat(get(server, "/health")).isEqualTo(200);
      assertThat(get(server, "/ready")).isEqualTo(503);
      assertThat(inService(server)).isEqualTo(ServingStatus.NOT_SERVING);
    }
  }

  @Test
  void isInServiceFromTheFirstRegistrationOnWhateverBecomesOfTheRouter() {
    TestRouter router = new TestRouter(true);
    try (ExpertServer server = start("1-2", router.endpoint())) {
      await(() -> get(server, "/ready") == 200);
      await(() -> inService(server) == ServingStatus.SERVING);
      router.close();
      await(() -> server.registeredWith() == null);
      assertThat(get(server, "/ready")).isEqualTo(200);
      assertThat(inService(server)).isEqualTo(ServingStatus.SERVING);
    }
  }

  @Test
  void isInServiceWhenGatewaysHaveAcknowledgedIt() {
    try (TestRouter router = new TestRouter(true)) {
      router.inService(false);
      try (ExpertServer server = start("1-2", router.endpoint())) {
        router.hear(r -> r.getState() == ProcessState.PROCESS_STATE_READY);
        router.hear(r -> r.getState() == ProcessState.PROCESS_STATE_READY); // so it has heard the answer to the first
        assertThat(get(server, "/health")).isEqualTo(200);
        assertThat(get(server, "/ready")).isEqualTo(503);
        assertThat(inService(server)).isEqualTo(ServingStatus.NOT_SERVING);
        router.inService(true);
        await(() -> get(server, "/ready") == 200);
        await(() -> inService(server) == ServingStatus.SERVING);
        router.inService(false); // another router, which does not know yet
        router.hear(r -> true);
        router.hear(r -> true);
        assertThat(get(server, "/ready")).isEqualTo(200);
      }
    }
  }

  @Test
  void tellsTheNextRouterThatItIsDrained() {
    try (TestRouter router = new TestRouter(true)) {
      router.drained = true;
      try (ExpertServer _ = start("1-2", router.endpoint())) {
        assertThat(router.hear(r -> true).getDrained()).isFalse();
        router.hear(RegisterRequest::getDrained);
        router.drained = false;
        router.hear(r -> !r.getDrained());
      }
    }
  }

  @Test
  void saysWhyNoGatewayUsesIt() {
    try (TestRouter router = new TestRouter(true)) {
      router.inService(false);
      router.refusal("gateway g: the weights differ");
      try (ExpertServer server = start("1-2", router.endpoint())) {
        await(() -> body(server, "/ready").contains("\"refused\":\"gateway g: the weights differ\""));
        assertThat(get(server, "/ready")).isEqualTo(503);
        router.refusal("");
        await(() -> !body(server, "/ready").contains("refused"));
      }
    }
  }

  @Test
  void isInServiceWithoutAnyRouterIfItNeedsNone() {
    try (ExpertServer server = start("1-2", "")) {
      assertThat(get(server, "/ready")).isEqualTo(200);
      assertThat(inService(server)).isEqualTo(ServingStatus.SERVING);
    }
  }

  @Test
  void drainingAnswersWhatItHasAndEndsStreams() throws InterruptedException {
    ExpertServer server = start("1-2", "");
    try (TestGateway gateway = TestGateway.welcomed(server.grpcEndpoint())) {
      for (int i = 0; i < 50; i++) {
        gateway.send(TestBatch.random(random, i, HELD, 20).message());
      }
      assertThat(gateway.next().hasResult()).isTrue();
      Thread closing = Thread.ofPlatform().start(server::close);
      int results = 1;
      Object answer = gateway.take();
      for (; answer instanceof ForwardResponse response; answer = gateway.take()) {
        assertThat(response.hasResult()
            || response.getRejection().getReason() == RejectionReason.REJECTION_REASON_DRAINING).isTrue();
        results += response.hasResult() ? 1 : 0;
      }
      assertThat(((Status) answer).getCode()).isEqualTo(Status.Code.UNAVAILABLE);
      assertThat(closing.join(Duration.ofSeconds(10))).isTrue();
      assertThat(server.process().metrics().scrape()).as("what was taken was answered")
          .contains("expertmesh_expert_batches_total %d.0".formatted(results));
    }
  }

  @Test
  void answersUntilTheRouterSaysThatGatewaysKnow() throws InterruptedException {
    try (TestRouter router = new TestRouter(true)) {
      ExpertServer server = start("1-2", router.endpoint());
      try (TestGateway gateway = TestGateway.welcomed(server.grpcEndpoint())) {
        router.releases = false;
        await(() -> server.registeredWith() != null);
        Thread closing = Thread.ofPlatform().start(server::close);
        router.hear(r -> r.getState() == ProcessState.PROCESS_STATE_DRAINING);
        for (int i = 0; i < 5; i++) {
          Thread.sleep(100);
          gateway.send(TestBatch.random(random, i, HELD, 3).message());
          assertThat(gateway.next().hasResult()).as("a gateway that has not heard is answered").isTrue();
        }
        router.releases = true;
        assertThat(closing.join(Duration.ofSeconds(2))).as("it does not wait for longer").isTrue();
      }
    }
  }

  @Test
  void aGatewayThatNeverAcknowledgesHoldsTheStopUpForHalfTheTimeOnly() throws InterruptedException {
    try (TestRouter router = new TestRouter(true)) {
      router.releases = false;
      ExpertServer server = start("1-2", router.endpoint());
      await(() -> server.registeredWith() != null);
      Thread closing = Thread.ofPlatform().start(server::close);
      assertThat(closing.join(Duration.ofMillis(4500))).isTrue(); // of the 5 s that the configuration has
    }
  }

  @Test
  void aGatewayThatDoesNotReadIsHeldUpAndThenDropped() {
    try (ExpertServer server = ExpertServer.start(configuration("1-2", "", Duration.ofMillis(300)),
        Checkpoint.open(TestBatch.DEMO))) {
      ManagedChannel channel = Channels.open(server.grpcEndpoint(), Role.EXPERT, Plaintext.LOOPBACK, Runnable::run);
      try {
        AtomicReference<@Nullable Throwable> ended = new AtomicReference<>();
        AtomicReference<@Nullable ClientCallStreamObserver<ForwardRequest>> requests = new AtomicReference<>();
        ExpertServiceGrpc.newStub(channel).forward(new Unreading(requests, ended));
        ClientCallStreamObserver<ForwardRequest> out = Objects.requireNonNull(requests.get());
        out.onNext(ForwardRequest.newBuilder().setHello(Hello.newBuilder().setGateway("deaf")
            .setFingerprint(TestGateway.DEMO).setWireDtype(DType.D_TYPE_F32)).build());
        ForwardRequest.Builder big = ForwardRequest.newBuilder()
            .setBatch(TestBatch.random(random, 0, HELD, 400).message());
        long id = 0;
        String dropped = "streams_dropped_total{reason=\"unread\"} 1.0";
        while (!server.process().metrics().scrape().contains(dropped)) {
          if (out.isReady()) {
            big.getBatchBuilder().setId(id++);
            out.onNext(big.build());
          }
          assertThat(server.process().queue().queuedRows()).isLessThanOrEqualTo(3000);
          assertThat(id).as("batches taken of a gateway that does not read").isLessThan(1000);
        }
        await(() -> server.process().metrics().scrape().contains("expertmesh_expert_streams 0.0"));
        try (TestGateway other = TestGateway.welcomed(server.grpcEndpoint())) {
          TestBatch batch = TestBatch.random(random, 1, HELD, 3);
          other.send(batch.message());
          assertThat(TestGateway.outputs(other.next())).isEqualTo(batch.expected());
        }
        out.request(Integer.MAX_VALUE);
        await(() -> ended.get() != null);
        assertThat(Status.fromThrowable(Objects.requireNonNull(ended.get())).getDescription())
            .contains("answers were not read for 300 ms");
      } finally {
        channel.shutdownNow();
      }
    }
  }

  /** Asks for one message, the welcome, and no more. */
  private record Unreading(AtomicReference<@Nullable ClientCallStreamObserver<ForwardRequest>> requests,
      AtomicReference<@Nullable Throwable> ended) implements ClientResponseObserver<ForwardRequest, ForwardResponse> {
    @Override
    public void beforeStart(ClientCallStreamObserver<ForwardRequest> out) {
      out.disableAutoRequestWithInitial(1);
      requests.set(out);
    }

    @Override
    public void onNext(ForwardResponse response) {
      // Not looked at.
    }

    @Override
    public void onError(Throwable failure) {
      ended.set(failure);
    }

    @Override
    public void onCompleted() {
      throw new AssertionError("the process ends it with an error");
    }
  }

  @Test
  void whatCannotWorkIsRefusedAtTheStart() {
    assertThatThrownBy(() -> start("14-20", "")).isInstanceOf(FailureException.class)
        .hasMessageContaining("there is no expert 20; the model has 16");
    ExpertConfiguration d = ExpertConfiguration.of("test", new ExpertIds.All());
    assertThatThrownBy(
        () -> new ExpertConfiguration("a b", d.host(), 0, 0, null, d.experts(), 0, CpuDevices.NAME, null, d.numerics(),
            1, null, 1,
            List.of(), d.security(), d.drainTimeout(), d.unreadTimeout()))
        .isInstanceOf(FailureException.class)
        .hasMessageContaining("--name is 'a b'");
    try (ExpertServer first = start("1", "")) {
      int port = Integer.parseInt(first.grpcEndpoint().split(":")[1]);
      assertThatThrownBy(() -> ExpertServer.start(
          new ExpertConfiguration("test", d.host(), port, 0, null, d.experts(), 0,
              CpuDevices.NAME, null, d.numerics(), 1, null, 1, List.of(), d.security(), d.drainTimeout(),
              d.unreadTimeout()),
          Checkpoint.open(TestBatch.DEMO))).isInstanceOf(FailureException.class)
          .hasMessageContaining("cannot listen on 127.0.0.1 port " + port);
    }
  }
}
