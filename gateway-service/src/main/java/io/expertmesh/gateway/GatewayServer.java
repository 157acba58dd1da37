package io.expertmesh.gateway;

import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.gateway.versions.ModelVersions;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.telemetry.Telemetry;
import io.expertmesh.transport.Addresses;
import io.expertmesh.web.TomcatSetup;
import io.prometheus.metrics.model.registry.MultiCollector;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.support.DefaultListableBeanFactory;
import org.springframework.boot.web.server.WebServer;
import org.springframework.boot.web.server.servlet.context.AnnotationConfigServletWebServerApplicationContext;

/** A running gateway. Closing it finishes what runs and stops it; the model's engine stays the owner's. */
public final class GatewayServer implements AutoCloseable {
  private static final org.slf4j.Logger log = LoggerFactory.getLogger(GatewayServer.class);
  /** Kept because java.util.logging forgets the level of a logger that nobody holds. */
  private static final Logger TOMCAT = Logger.getLogger("org.apache");

  private final GatewayConfiguration configuration;
  private final AnnotationConfigServletWebServerApplicationContext context;
  private final int port;

  private GatewayServer(GatewayConfiguration configuration, AnnotationConfigServletWebServerApplicationContext context,
      int port) {
    this.configuration = configuration;
    this.context = context;
    this.port = port;
  }

  /** Serves a model in one version. */
  public static GatewayServer start(GatewayConfiguration configuration, ServedModel model) {
    return start(configuration, ModelVersions.of(model));
  }

  /** Serves a model whose experts are in this process. */
  public static GatewayServer start(GatewayConfiguration configuration, ModelVersions versions) {
    return start(configuration, versions, List.of());
  }

  /**
   * Starts to serve a model and returns when it listens.
   *
   * @param metrics more of them, for {@code /metrics}
   * @throws FailureException if the address cannot be listened on
   */
  public static GatewayServer start(GatewayConfiguration configuration, ModelVersions versions,
      List<MultiCollector> metrics) {
    return start(configuration, versions, metrics, Telemetry.off());
  }

  /**
   * As {@link #start(GatewayConfiguration, ModelVersions, List)}.
   *
   * @param telemetry where its spans go; stays the caller's
   */
  public static GatewayServer start(GatewayConfiguration configuration, ModelVersions versions,
      List<MultiCollector> metrics, Telemetry telemetry) {
    TOMCAT.setLevel(Level.SEVERE);
    long start = System.nanoTime();
    ServedModel model = versions.main().model();
    var context = new AnnotationConfigServletWebServerApplicationContext();
    DefaultListableBeanFactory beans = context.getDefaultListableBeanFactory();
    beans.registerSingleton("gatewayConfiguration", configuration);
    beans.registerSingleton("servedModel", model);
    beans.registerSingleton("modelVersions", versions);
    beans.registerSingleton("telemetry", telemetry);
    for (MultiCollector collector : metrics) {
      context.registerBean(MultiCollector.class, () -> collector);
    }
    context.register(GatewayApplication.class);
    if (configuration.grpcPort() != null) {
      context.registerBean(InferenceServer.class);
    }
    try {
      context.refresh();
    } catch (RuntimeException failure) {
      context.close();
      throw TomcatSetup.explain(failure, configuration.host(), configuration.port(), "--port");
    }
    WebServer webServer = context.getWebServer();
    if (webServer == null) {
      throw new IllegalStateException("the context started without its web server");
    }
    GatewayServer server = new GatewayServer(configuration, context, webServer.getPort());
    if (versions.all().size() > 1) {
      log.info("Versions, the main one first: {}", versions.all().stream()
          .map(version -> version.name() + " (" + version.model().name() + ")").collect(Collectors.joining(", ")));
    }
    log.info("Serving {} on {}{} (up in {} ms)", model.name(), server.url(),
        server.grpcEndpoint() == null ? "" : " and gRPC on " + server.grpcEndpoint(),
        (System.nanoTime() - start) / 1_000_000);
    return server;
  }

  /** The port that it listens on. */
  public int port() {
    return port;
  }

  /** host:port where clients on this machine reach the gRPC API; null if there is none. */
  public @Nullable String grpcEndpoint() {
    InferenceServer inference = context.getBeanProvider(InferenceServer.class).getIfAvailable();
    return inference == null ? null : inference.endpoint();
  }

  /** Where clients on this machine reach it. */
  public String url() {
    return "http://" + Addresses.onThisMachine(configuration.host(), port);
  }

  /**
   * Says that it stops and takes requests for the configured delay; then stops accepting, lets running answers finish
   * within the configured time, cancels the rest and stops.
   */
  @Override
  public void close() {
    if (context.isActive()) {
      context.getBean(Departure.class).announce(configuration.shutdownDelay());
    }
    context.close();
  }
}
