package io.expertmesh.transport;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/** A listening gRPC server with the standard health and reflection services. Not serving until told so. */
public final class GrpcServer implements AutoCloseable {
  /** Tensors of a batch's rows; a gateway splits what is larger. */
  public static final int MAX_MESSAGE_BYTES = 64 << 20;
  private static final int MAX_METADATA_BYTES = 16 << 10;

  private final Server server;
  private final HealthStatusManager health;
  private final String host;

  private GrpcServer(Server server, HealthStatusManager health, String host) {
    this.server = server;
    this.health = health;
    this.host = host;
  }

  /**
   * Listens.
   *
   * @param port 0 takes any free one
   * @param executor runs the services' methods
   * @throws FailureException INVALID_REQUEST if the address cannot be listened on
   */
  public static GrpcServer start(String host, int port, Executor executor, List<BindableService> services) {
    HealthStatusManager health = new HealthStatusManager();
    health.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, ServingStatus.NOT_SERVING);
    NettyServerBuilder builder = NettyServerBuilder.forAddress(new InetSocketAddress(host, port))
        .executor(executor)
        .maxInboundMessageSize(MAX_MESSAGE_BYTES)
        .maxInboundMetadataSize(MAX_METADATA_BYTES)
        .permitKeepAliveWithoutCalls(true)
        .permitKeepAliveTime(5, TimeUnit.SECONDS)
        .addService(health.getHealthService())
        .addService(ProtoReflectionServiceV1.newInstance());
    services.forEach(builder::addService);
    try {
      return new GrpcServer(builder.build().start(), health, host);
    } catch (IOException e) {
      throw new FailureException(FailureCategory.INVALID_REQUEST,
          "cannot listen on %s port %d for gRPC: %s".formatted(host, port, e.getMessage()), e);
    }
  }

  /** What the health service says from now on. */
  public void serving(boolean serving) {
    health.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES,
        serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
  }

  public int port() {
    return server.getPort();
  }

  /** host:port, as others reach it from this machine. */
  public String endpoint() {
    String reachable = host.equals("0.0.0.0") ? "127.0.0.1" : host.equals("::") ? "::1" : host;
    return (reachable.contains(":") ? "[" + reachable + "]" : reachable) + ":" + port();
  }

  /** Takes no new calls and waits for those that run; after {@code timeout} they are cut. */
  public void shutdown(Duration timeout) throws InterruptedException {
    health.enterTerminalState();
    server.shutdown();
    if (!server.awaitTermination(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
      close();
    }
  }

  /** Cuts what runs. */
  @Override
  public void close() {
    server.shutdownNow();
    try {
      server.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
