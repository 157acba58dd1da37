package io.expertmesh.transport;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.grpc.BindableService;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerCredentials;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A listening gRPC server with the standard health and reflection services. Not serving until told so. */
public final class GrpcServer implements AutoCloseable {
  /** Tensors of a batch's rows; a gateway splits what is larger. */
  public static final int MAX_MESSAGE_BYTES = 64 << 20;
  private static final int MAX_METADATA_BYTES = 16 << 10;
  /** Services hold few calls at a time, each for long. */
  private static final int MAX_LINK_CALLS = 128;
  private static final int MAX_APPLICATION_CALLS = 1024;

  private static final Logger log = LoggerFactory.getLogger(GrpcServer.class);

  private final Server server;
  private final HealthStatusManager health;
  private final String host;
  private final RefusedCallers refused;

  private GrpcServer(Server server, HealthStatusManager health, String host, RefusedCallers refused) {
    this.server = server;
    this.health = health;
    this.host = host;
    this.refused = refused;
  }

  /**
   * Listens for other services. With {@link Tls} each caller shows a certificate of the CA, and its role decides what it
   * may call.
   *
   * @param port 0 takes any free one
   * @param executor runs the services' methods
   * @throws FailureException INVALID_REQUEST if the address cannot be listened on, or not in plain text
   */
  public static GrpcServer start(String host, int port, LinkSecurity security, Executor executor,
      List<BindableService> services) {
    RefusedCallers refused = new RefusedCallers();
    NettyServerBuilder builder = switch (security) {
      case Tls tls -> builder(host, port, CountedHandshakes.credentials(tls.links(), refused), executor)
          .intercept(new RequireRole(refused));
      case Plaintext plaintext -> {
        requireAllowed(plaintext, host);
        yield builder(host, port, InsecureServerCredentials.create(), executor);
      }
    };
    return start(builder.maxConcurrentCallsPerConnection(MAX_LINK_CALLS), refused, host,
        port, services);
  }

  /**
   * Listens for applications, which need no certificate.
   *
   * @param tls null for plain text
   * @param maxMessageBytes of a request
   * @throws FailureException INVALID_REQUEST if the address cannot be listened on
   */
  public static GrpcServer startForApplications(String host, int port, @Nullable Tls tls, int maxMessageBytes,
      Executor executor, List<BindableService> services) {
    RefusedCallers refused = new RefusedCallers();
    ServerCredentials credentials = tls == null
        ? InsecureServerCredentials.create()
        : CountedHandshakes.credentials(tls.applications(), refused);
    NettyServerBuilder builder = builder(host, port, credentials, executor)
        .maxInboundMessageSize(maxMessageBytes)
        .maxConcurrentCallsPerConnection(MAX_APPLICATION_CALLS)
        .maxConnectionIdle(10, TimeUnit.MINUTES);
    return start(builder, refused, host, port, services);
  }

  private static NettyServerBuilder builder(String host, int port, ServerCredentials credentials, Executor executor) {
    return NettyServerBuilder.forAddress(new InetSocketAddress(host, port), credentials)
        .executor(executor)
        .handshakeTimeout(10, TimeUnit.SECONDS)
        .maxInboundMessageSize(MAX_MESSAGE_BYTES)
        .maxInboundMetadataSize(MAX_METADATA_BYTES)
        .keepAliveTime(30, TimeUnit.SECONDS)
        .keepAliveTimeout(10, TimeUnit.SECONDS)
        .permitKeepAliveWithoutCalls(true)
        .permitKeepAliveTime(5, TimeUnit.SECONDS);
  }

  private static GrpcServer start(NettyServerBuilder builder, RefusedCallers refused, String host, int port,
      List<BindableService> services) {
    HealthStatusManager health = new HealthStatusManager();
    health.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, ServingStatus.NOT_SERVING);
    builder.addService(health.getHealthService()).addService(ProtoReflectionServiceV1.newInstance());
    services.forEach(builder::addService);
    try {
      return new GrpcServer(builder.build().start(), health, host, refused);
    } catch (IOException e) {
      throw new FailureException(FailureCategory.INVALID_REQUEST,
          "cannot listen on %s port %d for gRPC: %s".formatted(host, port, e.getMessage()), e);
    }
  }

  private static void requireAllowed(Plaintext plaintext, String host) {
    if (plaintext == Plaintext.ANYWHERE) {
      log.warn("gRPC on {} is plain text: who can read the network can read prompts", host);
      return;
    }
    try {
      if (InetAddress.getByName(host).isLoopbackAddress()) {
        return;
      }
    } catch (UnknownHostException unknown) {
      throw new FailureException(FailureCategory.INVALID_REQUEST,
          "cannot listen on %s for gRPC: there is no such host".formatted(host), unknown);
    }
    throw new FailureException(FailureCategory.INVALID_REQUEST, """
        Other machines can reach %s, and links between services carry what prompts can be recovered from: give \
        --tls-certificate, --tls-key and --tls-ca, or allow plain text with --plaintext.""".formatted(host));
  }

  /** What the health service says from now on. */
  public void serving(boolean serving) {
    health.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES,
        serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
  }

  /** What the health service says of one service, by its full name. */
  public void serving(String service, boolean serving) {
    health.setStatus(service, serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
  }

  /** Whom TLS turned away; nobody without TLS. */
  public RefusedCallers refusedCallers() {
    return refused;
  }

  public int port() {
    return server.getPort();
  }

  /** host:port, as others reach it from this machine. */
  public String endpoint() {
    return Addresses.onThisMachine(host, port());
  }

  /** Takes no new calls and waits for those that run; after {@code timeout} they are cut. Nothing if it has stopped. */
  public void shutdown(Duration timeout) throws InterruptedException {
    if (server.isShutdown()) {
      return;
    }
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
