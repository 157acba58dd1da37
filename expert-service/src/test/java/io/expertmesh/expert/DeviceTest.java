package io.expertmesh.expert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.device.CpuDevices;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.DType;
import io.expertmesh.proto.v1.ProcessState;
import io.expertmesh.proto.v1.RegisterRequest;
import io.expertmesh.proto.v1.RejectionReason;
import io.expertmesh.telemetry.Telemetry;
import io.grpc.Status;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a process does with a device that has memory of its own, and that may fail. */
class DeviceTest {
  private static final int LAYERS = TestBatch.LAYERS;

  private final SplittableRandom random = new SplittableRandom(17);
  private final AtomicReference<@Nullable ScriptedDevice> opened = new AtomicReference<>();

  private ScriptedDevice device() {
    ScriptedDevice device = opened.get();
    if (device == null) {
      throw new AssertionError("no device was opened");
    }
    return device;
  }

  private ExpertServer start(String experts, String router, int room, float factor) {
    ExpertConfiguration d = ExpertConfiguration.of("test", ExpertIds.parse(experts));
    ExpertConfiguration configuration = new ExpertConfiguration(d.name(), d.host(), 0, 0, null, d.experts(), 0,
        CpuDevices.NAME, null, d.numerics(), 1, "v1", 3000, router.isEmpty() ? List.of() : List.of(router),
        d.security(), d.drainTimeout(), d.unreadTimeout());
    return ExpertServer.start(configuration, Checkpoint.open(TestBatch.DEMO), Telemetry.off(), request -> {
      ScriptedDevice device = new ScriptedDevice(request, room);
      device.factor = factor;
      opened.set(device);
      return device;
    });
  }

  private static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("it did not happen for 20 s").isLessThan(end);
      Thread.onSpinWait();
    }
  }

  /** As gateways say it that need not be exact. */
  private static TestGateway gateway(ExpertServer server) {
    TestGateway gateway = TestGateway.open(server.grpcEndpoint());
    gateway.hello(TestGateway.DEMO.toBuilder().setNumerics("fast").build(), DType.D_TYPE_F32);
    assertThat(gateway.next().hasWelcome()).isTrue();
    return gateway;
  }

  @Test
  void oneThreadUsesItAndAnExpertIsFreedWhenNoBatchWaitsForIt() {
    try (TestRouter router = new TestRouter(true)) {
      try (ExpertServer server = start("auto", router.endpoint(), 3 * LAYERS, 1)) {
        router.hear(r -> r.getState() == ProcessState.PROCESS_STATE_READY);
        assertThat(server.process().backend()).isEqualTo("scripted device");
        await(() -> device().loaded.isEmpty());
        router.assign(1, List.of(1, 2));
        router.hear(r -> r.getAssignmentId() == 1);
        assertThat(device().loaded).hasSize(2 * LAYERS);
        int free = device().steps.drainPermits();
        try (TestGateway gateway = gateway(server)) {
          TestBatch first = TestBatch.random(random, 1, List.of(1), 5);
          TestBatch waiting = TestBatch.random(random, 2, List.of(2), 5);
          gateway.send(first.message());
          await(device().steps::hasQueuedThreads);
          gateway.send(waiting.message());
          await(() -> server.process().queue().queuedRows() > 0);
          router.assign(2, List.of(1));
          router.hear(r -> r.getAssignmentId() == 2);
          assertThat(device().loaded).as("a batch still waits for expert 2").hasSize(2 * LAYERS);
          device().steps.release(free);
          assertThat(TestGateway.outputs(gateway.next())).isEqualTo(first.expected());
          assertThat(TestGateway.outputs(gateway.next())).isEqualTo(waiting.expected());
          await(() -> device().loaded.size() == LAYERS);
          gateway.send(waiting.message());
          assertThat(gateway.next().getRejection().getReason())
              .isEqualTo(RejectionReason.REJECTION_REASON_UNKNOWN_EXPERT);
        }
      }
    }
    assertThat(device().closed).isTrue();
    assertThat(device().callers).hasSize(1);
  }

  @Test
  void aDeviceThatFailsEndsTheServiceWithItsReasonAndRejectsWhatWaits() throws IOException, InterruptedException {
    try (TestRouter router = new TestRouter(true);
        ExpertServer server = start("1-2", router.endpoint(), 99, 1);
        TestGateway gateway = gateway(server)) {
      int free = device().steps.drainPermits();
      TestBatch batch = TestBatch.random(random, 1, List.of(1), 5);
      gateway.send(batch.message());
      await(device().steps::hasQueuedThreads);
      gateway.send(TestBatch.random(random, 2, List.of(2), 5).message());
      await(() -> server.process().queue().queuedRows() > 0);
      device().broken = true;
      device().steps.release(free);
      for (int i = 0; i < 2; i++) {
        assertThat(gateway.next().getRejection().getReason()).isEqualTo(RejectionReason.REJECTION_REASON_FAILED);
      }
      RegisterRequest said = router.hear(r -> r.getState() == ProcessState.PROCESS_STATE_FAILED);
      assertThat(said.getFailure()).isEqualTo("scripted device has failed: it does not answer \"any more\"");
      assertThat(server.process().describe().getFailure()).isEqualTo(said.getFailure());
      device().broken = false; // the process does not trust it again
      gateway.send(batch.message());
      assertThat(gateway.next().getRejection().getMessage()).contains("it does not\nanswer");
      try (TestGateway other = TestGateway.open(server.grpcEndpoint())) {
        other.hello(TestGateway.DEMO, DType.D_TYPE_F32);
        Status status = other.end();
        assertThat(status.getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(status.getDescription()).isEqualTo(said.getFailure());
      }
      try (HttpClient http = HttpClient.newHttpClient()) {
        HttpResponse<String> health = http.send(
            HttpRequest.newBuilder(URI.create(server.httpUrl() + "/health")).build(),
            HttpResponse.BodyHandlers.ofString());
        assertThat(health.statusCode()).isEqualTo(503);
        assertThat(health.body()).contains("\"status\":\"failed\"", "\"backend\":\"scripted device\"",
            "it does not answer \\\"any more\\\"");
      }
      assertThat(server.process().metrics().scrape()).contains("expertmesh_expert_failed 1.0",
          "expertmesh_expert_ready 0.0");
    }
  }

  @Test
  void expertsThatDoNotFitAreRefusedWithTheNumbers() {
    assertThatThrownBy(() -> start("1-2", "", 2 * LAYERS - 1, 1))
        .isInstanceOfSatisfying(FailureException.class,
            failure -> assertThat(failure.category()).isEqualTo(FailureCategory.TOO_LARGE))
        .hasMessage("expert 2 of layer 3 needs 10 bytes, and 0 of 70 are free");
    assertThat(device().closed).isTrue();
    try (TestRouter router = new TestRouter(true);
        ExpertServer server = start("auto", router.endpoint(), 2 * LAYERS, 1)) {
      router.assign(1, List.of(1));
      router.hear(r -> r.getAssignmentId() == 1);
      router.assign(2, List.of(1, 2, 3)); // does not fit: it goes on with what it has
      router.assign(3, List.of(1, 2));
      router.hear(r -> r.getAssignmentId() == 3);
      try (TestGateway gateway = gateway(server)) {
        TestBatch batch = TestBatch.random(random, 1, List.of(1, 2), 5);
        gateway.send(batch.message());
        assertThat(TestGateway.outputs(gateway.next())).isEqualTo(batch.expected());
      }
      await(() -> device().loaded.size() == 2 * LAYERS);
    }
  }

  @Test
  void aDeviceThatComputesSomethingElseDoesNotServe() {
    assertThatThrownBy(() -> start("1-2", "", 99, 1.05f))
        .isInstanceOfSatisfying(FailureException.class,
            failure -> assertThat(failure.category()).isEqualTo(FailureCategory.INTERNAL))
        .hasMessageContaining("scripted device computes another expert 1 of layer 0 than the reference")
        .hasMessageContaining("of 1 rows of BF16 weights");
    start("1-2", "", 99, 1.001f).close(); // within what a device that rounds to bf16 may do
  }

  @Test
  void anInexactDeviceNeverJoinsGatewaysThatNeedExactBits() {
    try (ExpertServer server = start("1-2", "", 99, 1);
        TestGateway exact = TestGateway.open(server.grpcEndpoint())) {
      exact.hello(TestGateway.DEMO, DType.D_TYPE_F32);
      Status status = exact.end();
      assertThat(status.getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
      assertThat(status.getDescription()).contains("numerics is fast here and exact there");
    }
  }
}
