package io.expertmesh.router;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.AdminServiceGrpc;
import io.expertmesh.proto.v1.RegistryServiceGrpc;
import io.expertmesh.router.admin.Access;
import io.expertmesh.router.admin.Admin;
import io.expertmesh.router.admin.AdminEndpoint;
import io.expertmesh.router.admin.RequireAdminKey;
import io.expertmesh.router.control.ControlSession;
import io.expertmesh.router.control.RegistryEndpoint;
import io.expertmesh.router.http.AdminHttpServer;
import io.expertmesh.router.keda.ScalerEndpoint;
import io.expertmesh.router.leader.FileLockLeadership;
import io.expertmesh.router.leader.Leadership;
import io.expertmesh.router.leader.LeaseLeadership;
import io.expertmesh.router.leader.RouterIdentity;
import io.expertmesh.router.leader.SoleRouter;
import io.expertmesh.router.loop.EventLoop;
import io.expertmesh.router.loop.SingleThreadLoop;
import io.expertmesh.router.metrics.RouterCounters;
import io.expertmesh.transport.Addresses;
import io.expertmesh.transport.GrpcServer;
import io.expertmesh.transport.LinkSecurity;
import io.expertmesh.transport.Plaintext;
import io.expertmesh.transport.Tls;
import io.grpc.BindableService;
import io.grpc.ServerInterceptors;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A running router. */
public final class RouterServer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RouterServer.class);
  private static final List<String> LEADERS_SERVICES = List.of(RegistryServiceGrpc.SERVICE_NAME,
      AdminServiceGrpc.SERVICE_NAME);
  private static final int MAX_QUESTION_BYTES = 1 << 16;

  private final RouterCounters counters = new RouterCounters();
  /** What was started, the newest first. */
  private final Deque<AutoCloseable> started = new ArrayDeque<>();
  private final GrpcServer grpc;
  private final AdminHttpServer http;
  private @Nullable GrpcServer scaler;

  private RouterServer(RouterConfiguration configuration, LinkSecurity security, @Nullable EventLoop testLoop) {
    try {
      EventLoop loop = testLoop == null ? started(new SingleThreadLoop("router")) : testLoop;
      AtomicReference<@Nullable GrpcServer> announced = new AtomicReference<>();
      ControlSession control = new ControlSession(loop, configuration.control(), counters,
          leads -> announce(announced.get(), leads));
      Leadership leadership = leadership(configuration);
      Access access = new Access(configuration.keys(), Addresses.isLoopback(configuration.host()), counters);
      Admin admin = new Admin(control);
      BindableService guarded = () -> ServerInterceptors.intercept(new AdminEndpoint(admin),
          new RequireAdminKey(access));
      ExecutorService threads = Executors
          .newThreadPerTaskExecutor(Thread.ofVirtual().name("router-grpc-", 0).factory());
      started.push(threads::shutdown);
      grpc = started(GrpcServer.start(configuration.host(), configuration.port(), security, threads,
          List.of(new RegistryEndpoint(control), guarded)));
      announced.set(grpc);
      announce(grpc, false);
      grpc.serving(true);
      http = started(AdminHttpServer.start(configuration.host(), configuration.httpPort(), control, admin, access,
          counters, grpc.refusedCallers()));
      if (configuration.scalerPort() != null) {
        LinkSecurity scalerSecurity = configuration.scalerPlaintext() ? Plaintext.ANYWHERE : security;
        startScaler(configuration.host(), configuration.scalerPort(), scalerSecurity, loop, control, leadership,
            threads);
      }
      started(leadership).start(control);
    } catch (RuntimeException failure) {
      close();
      throw failure;
    }
    log.info("The router answers gRPC on {} and HTTP on {}", grpc.endpoint(), http.url());
  }

  /**
   * Starts a router and returns when it listens.
   *
   * @param security of the links to other services
   * @throws FailureException INVALID_REQUEST if an address cannot be listened on or a file cannot be used
   */
  public static RouterServer start(RouterConfiguration configuration, LinkSecurity security) {
    return new RouterServer(configuration, security, null);
  }

  /** Starts a router that goes by the time of {@code loop}. */
  static RouterServer start(RouterConfiguration configuration, LinkSecurity security, EventLoop loop) {
    return new RouterServer(configuration, security, loop);
  }

  private void startScaler(String host, int port, LinkSecurity security, EventLoop loop, ControlSession control,
      Leadership leadership, ExecutorService threads) {
    ScalerEndpoint endpoint = started(new ScalerEndpoint(control, () -> {
      RouterIdentity leader = leadership.leader();
      return leader == null ? null : Addresses.of(leader.host(), port);
    }, security instanceof Tls ? security : Plaintext.ANYWHERE));
    // KEDA has no certificate of the mesh; it learns how busy groups are, and nothing else can be asked here.
    Tls tls = security instanceof Tls links ? links : null;
    GrpcServer server = started(GrpcServer.startForApplications(host, port, tls, MAX_QUESTION_BYTES, threads,
        List.of(endpoint)));
    server.serving(true);
    loop.every(ScalerEndpoint.PERIOD, endpoint::look);
    scaler = server;
    log.info("KEDA is answered on {}, {}", server.endpoint(), tls == null ? "in plain text" : "over TLS");
  }

  private static Leadership leadership(RouterConfiguration configuration) {
    if (configuration.leaderLease() != null) {
      return LeaseLeadership.ofThisPod(configuration.leaderLease(), configuration.self());
    }
    return configuration.leaderLock() == null ? new SoleRouter() : new FileLockLeadership(configuration.leaderLock());
  }

  private <T extends AutoCloseable> T started(T part) {
    started.push(part);
    return part;
  }

  private static void announce(@Nullable GrpcServer server, boolean leads) {
    if (server != null) {
      LEADERS_SERVICES.forEach(service -> server.serving(service, leads));
    }
  }

  /** host:port of gRPC, as others reach it from this machine. */
  public String endpoint() {
    return grpc.endpoint();
  }

  /** Where operators on this machine reach it over HTTP. */
  public String url() {
    return http.url();
  }

  /** host:port for KEDA; null if it is not answered. */
  public @Nullable String scalerEndpoint() {
    return scaler == null ? null : scaler.endpoint();
  }

  /** What happened since the start. */
  public RouterCounters counters() {
    return counters;
  }

  /** Ends all streams and stops. Gateways go on with the table that they have. */
  @Override
  public void close() {
    for (AutoCloseable part; (part = started.poll()) != null;) {
      try {
        part.close();
      } catch (Exception failure) {
        log.warn("Stopping a part of the router failed", failure);
      }
    }
  }
}
