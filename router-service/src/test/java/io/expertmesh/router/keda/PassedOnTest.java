package io.expertmesh.router.keda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.proto.externalscaler.ExternalScalerGrpc;
import io.expertmesh.proto.externalscaler.ExternalScalerGrpc.ExternalScalerBlockingStub;
import io.expertmesh.proto.externalscaler.GetMetricsRequest;
import io.expertmesh.proto.externalscaler.ScaledObjectRef;
import io.expertmesh.router.ManualLoop;
import io.expertmesh.router.control.ControlSession;
import io.expertmesh.router.control.ControlSettings;
import io.expertmesh.router.metrics.RouterCounters;
import io.expertmesh.router.placement.PlacementSettings;
import io.expertmesh.transport.Channels;
import io.expertmesh.transport.GrpcServer;
import io.expertmesh.transport.Plaintext;
import io.expertmesh.transport.Role;
import io.grpc.ManagedChannel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Two routers, of which one leads. */
class PassedOnTest {
  private static final ScaledObjectRef GROUP = ScaledObjectRef.newBuilder().setName("g")
      .putScalerMetadata("experts", "0-7").build();

  private final ManualLoop loop = new ManualLoop();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final AtomicReference<@Nullable String> leader = new AtomicReference<>();
  private final ControlSession first = session();
  private final ControlSession second = session();
  private final GrpcServer firstServer = serve(first);
  private final GrpcServer secondServer = serve(second);
  private final ManagedChannel channel = Channels.open(secondServer.endpoint(), Role.ROUTER, Plaintext.LOOPBACK,
      Runnable::run);
  private final ExternalScalerBlockingStub keda = ExternalScalerGrpc.newBlockingStub(channel)
      .withDeadlineAfter(20, TimeUnit.SECONDS);

  private ControlSession session() {
    Duration second = Duration.ofSeconds(1);
    return new ControlSession(loop, new ControlSettings(second, Duration.ZERO, 10, 10, null,
        new PlacementSettings(0, 1, second, second, second, second, second)), new RouterCounters(), leads -> {});
  }

  private GrpcServer serve(ControlSession session) {
    return GrpcServer.startForApplications("127.0.0.1", 0, null, 1 << 16, threads,
        List.of(new ScalerEndpoint(session, leader::get, Plaintext.ANYWHERE)));
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    firstServer.close();
    secondServer.close();
    threads.shutdownNow();
    loop.close();
  }

  @Test
  void theOneThatDoesNotLeadAsksTheOneThatDoes() {
    assertThatThrownBy(() -> keda.isActive(GROUP)).hasMessageContaining("No router leads");
    leader.set(firstServer.endpoint());
    assertThatThrownBy(() -> keda.isActive(GROUP)).as("it does not lead either").hasMessageContaining("UNAVAILABLE");
    first.lead();
    assertThat(keda.isActive(GROUP).getResult()).isFalse();
    assertThat(keda.getMetrics(GetMetricsRequest.newBuilder().setScaledObjectRef(GROUP).setMetricName("load").build())
        .getMetricValues(0).getMetricName()).isEqualTo("load");
    assertThat(keda.streamIsActive(GROUP).next().getResult()).isFalse();
    first.follow();
    second.lead();
    leader.set(secondServer.endpoint());
    assertThat(keda.isActive(GROUP).getResult()).isFalse();
  }
}
