package io.expertmesh.expert;

import static io.expertmesh.proto.v1.DType.D_TYPE_F32;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.device.CpuDevices;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.ModelExperts;
import io.expertmesh.proto.v1.DescribeResponse;
import io.expertmesh.proto.v1.Fingerprint;
import io.expertmesh.proto.v1.ProcessState;
import io.expertmesh.proto.v1.RegisterRequest;
import io.expertmesh.telemetry.Telemetry;
import io.grpc.Status;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A process that holds its experts in another type than the model's. */
class HeldTypeTest {
  private static final Fingerprint FAST = TestGateway.DEMO.toBuilder().setNumerics("fast").build();

  private final SplittableRandom random = new SplittableRandom(23);

  private static ExpertConfiguration configuration(String experts, List<String> routers, Numerics numerics) {
    ExpertConfiguration d = ExpertConfiguration.of("test", ExpertIds.parse(experts));
    return new ExpertConfiguration(d.name(), d.host(), 0, 0, null, d.experts(), 0, CpuDevices.NAME, null, numerics, 1,
        "v1", 3000, routers, d.security(), d.drainTimeout(), d.unreadTimeout());
  }

  @ParameterizedTest
  @EnumSource(value = DType.class, names = {"Q8_0", "Q4_0", "F16"})
  void computesWithItAndSaysSo(DType dtype) {
    String label = dtype.name().toLowerCase(Locale.ROOT);
    ModelExperts held = TestBatch.MODEL.heldAs(dtype, Numerics.FAST);
    try (ExpertServer server = ExpertServer.start(configuration("1-2", List.of(), Numerics.FAST).holding(dtype),
        Checkpoint.open(TestBatch.DEMO)); TestGateway gateway = TestGateway.open(server.grpcEndpoint())) {
      gateway.hello(FAST, D_TYPE_F32);
      Fingerprint welcome = gateway.next().getWelcome().getFingerprint();
      assertThat(welcome.getDtype()).isEqualTo("bf16");
      assertThat(welcome.getHeldDtype()).isEqualTo(label);
      assertThat(welcome.getExpertDigestsMap()).as("of the same weights")
          .isEqualTo(TestGateway.DEMO.getExpertDigestsMap());
      TestBatch batch = TestBatch.random(random, 1, List.of(1, 2), 5);
      gateway.send(batch.message());
      float[] outputs = TestGateway.outputs(gateway.next());
      assertThat(outputs).isEqualTo(batch.expected(held));
      if (dtype != DType.F16) {
        assertThat(outputs).isNotEqualTo(batch.expected());
      }
      DescribeResponse described = server.process().describe();
      assertThat(described.getFingerprint()).isEqualTo(welcome);
      long bytes = 2 * TestBatch.LAYERS * dtype.bytes(3 * 96 * TestBatch.HIDDEN);
      assertThat(server.process().metrics().scrape())
          .contains("expertmesh_expert_weight_bytes{dtype=\"%s\"} %s".formatted(label, (double) bytes));
    }
  }

  @Test
  void gatewaysThatNeedExactBitsAreRefusedWithBothTypes() {
    try (ExpertServer server = ExpertServer.start(
        configuration("1-2", List.of(), Numerics.FAST).holding(DType.Q8_0),
        Checkpoint.open(TestBatch.DEMO)); TestGateway exact = TestGateway.open(server.grpcEndpoint())) {
      exact.hello(TestGateway.DEMO, D_TYPE_F32);
      Status status = exact.end();
      assertThat(status.getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
      assertThat(status.getDescription()).contains("held as q8_0 here and as bf16 there", "--expert-dtype");
    }
    assertThatThrownBy(() -> ExpertServer.start(
        configuration("1-2", List.of(), Numerics.EXACT).holding(DType.Q8_0),
        Checkpoint.open(TestBatch.DEMO)))
        .isInstanceOfSatisfying(FailureException.class,
            failure -> assertThat(failure.category()).isEqualTo(FailureCategory.INVALID_REQUEST))
        .hasMessageContaining("--numerics exact");
  }

  @Test
  void convertedWeightsAreFreedWhenTheExpertIsReleased() throws InterruptedException {
    AtomicReference<@Nullable ScriptedDevice> opened = new AtomicReference<>();
    try (TestRouter router = new TestRouter(true)) {
      MemorySegment.Scope kept;
      try (ExpertServer server = ExpertServer.start(
          configuration("auto", List.of(router.endpoint()), Numerics.FAST).holding(DType.Q8_0),
          Checkpoint.open(TestBatch.DEMO), Telemetry.off(), request -> {
            ScriptedDevice device = new ScriptedDevice(request, 99);
            opened.set(device);
            return device;
          })) {
        ScriptedDevice device = opened.get();
        if (device == null) {
          throw new AssertionError("no device was opened");
        }
        RegisterRequest said = router.hear(r -> r.getState() == ProcessState.PROCESS_STATE_READY);
        assertThat(said.getFingerprint().getHeldDtype()).isEqualTo("q8_0");
        MemorySegment.Scope tried = device.weights.take(); // the one that it warmed up with
        await(() -> !tried.isAlive());
        device.weights.clear();
        router.assign(1, List.of(1));
        router.hear(r -> r.getAssignmentId() == 1);
        MemorySegment.Scope first = device.weights.take();
        assertThat(first.isAlive()).isTrue();
        assertThat(server.process().dtype()).isEqualTo("q8_0");
        device.weights.clear();
        router.assign(2, List.of(2));
        router.hear(r -> r.getAssignmentId() == 2);
        await(() -> !first.isAlive());
        kept = device.weights.take();
        assertThat(kept.isAlive()).isTrue();
      }
      assertThat(kept.isAlive()).as("the process has ended").isFalse();
    }
  }

  private static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("it did not happen for 20 s").isLessThan(end);
      Thread.onSpinWait();
    }
  }
}
