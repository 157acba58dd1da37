package io.expertmesh.gateway;

import io.expertmesh.gateway.grpc.CallEntrance;
import io.expertmesh.gateway.grpc.InferenceService;
import io.expertmesh.gateway.metrics.ServingMetrics;
import io.expertmesh.gateway.security.Callers;
import io.expertmesh.gateway.trace.CallSpans;
import io.expertmesh.gateway.trace.Traces;
import io.expertmesh.gateway.versions.ModelVersions;
import io.expertmesh.transport.GrpcServer;
import io.expertmesh.transport.RefusedCallers;
import io.expertmesh.transport.Tls;
import io.grpc.BindableService;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.SmartLifecycle;

/** The gRPC API's server, which starts and stops with the web server. */
final class InferenceServer implements SmartLifecycle {
  private final GatewayConfiguration configuration;
  private final BindableService service;
  private final MeterRegistry registry;
  private final ExecutorService threads = Executors.newThreadPerTaskExecutor(
      Thread.ofVirtual().name("grpc-", 0).factory());
  private @Nullable Tls tls;
  private volatile @Nullable GrpcServer server;

  InferenceServer(GatewayConfiguration configuration, ModelVersions versions, Callers callers,
      ServingMetrics metrics, MeterRegistry registry, Traces traces) {
    this.configuration = configuration;
    this.registry = registry;
    CallEntrance entrance = new CallEntrance(callers, metrics);
    InferenceService inference = new InferenceService(versions, configuration, metrics, traces);
    List<ServerInterceptor> interceptors = traces.on() ? List.of(entrance, new CallSpans(traces)) : List.of(entrance);
    this.service = () -> ServerInterceptors.intercept(inference, interceptors);
  }

  @Override
  public void start() {
    tls = configuration.tls() == null ? null : Tls.open(configuration.tls());
    int port = Objects.requireNonNull(configuration.grpcPort(), "there is no gRPC API without a port");
    GrpcServer started = GrpcServer.startForApplications(configuration.host(), port, tls,
        Math.clamp(configuration.maxBody().toBytes(), 1, Integer.MAX_VALUE), threads, List.of(service));
    for (RefusedCallers.Reason reason : RefusedCallers.Reason.values()) {
      FunctionCounter.builder("expertmesh.grpc.refused.callers", started.refusedCallers(), all -> all.count(reason))
          .description("Connections that TLS did not allow").tag("reason", reason.label()).register(registry);
    }
    started.serving(true);
    server = started;
  }

  /** host:port. */
  String endpoint() {
    return Objects.requireNonNull(server, "not started").endpoint();
  }

  /** Takes no new calls; running answers end when the engine has finished or cancelled them. */
  @Override
  public void stop(Runnable done) {
    Thread.ofVirtual().name("grpc-stop").start(() -> {
      try {
        stop();
      } finally {
        done.run();
      }
    });
  }

  @Override
  public void stop() {
    GrpcServer running = server;
    server = null;
    if (running != null) {
      Duration timeout = configuration.shutdownTimeout().plus(EngineDrain.LAST_WORDS);
      try {
        running.shutdown(timeout);
      } catch (InterruptedException impatient) {
        running.close();
      }
    }
    threads.shutdownNow();
    if (tls != null) {
      tls.close();
    }
  }

  @Override
  public boolean isRunning() {
    return server != null;
  }

  /** Together with the engine, so that its last words are heard. */
  @Override
  public int getPhase() {
    return WebServerApplicationContext.GRACEFUL_SHUTDOWN_PHASE;
  }
}
