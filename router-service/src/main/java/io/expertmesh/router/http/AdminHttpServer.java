package io.expertmesh.router.http;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.router.admin.Access;
import io.expertmesh.router.admin.Admin;
import io.expertmesh.router.control.ControlSession;
import io.expertmesh.router.metrics.RouterCounters;
import io.expertmesh.transport.Addresses;
import io.expertmesh.transport.RefusedCallers;
import io.expertmesh.web.TomcatSetup;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.springframework.beans.factory.support.DefaultListableBeanFactory;
import org.springframework.boot.web.server.WebServer;
import org.springframework.boot.web.server.servlet.context.AnnotationConfigServletWebServerApplicationContext;

/** The admin interface, health and metrics over HTTP. */
public final class AdminHttpServer implements AutoCloseable {
  /** Kept because java.util.logging forgets the level of a logger that nobody holds. */
  private static final Logger TOMCAT = Logger.getLogger("org.apache");

  /** Where it listens. */
  record Address(String host, int port) {}

  private final String host;
  private final int port;
  private final AnnotationConfigServletWebServerApplicationContext context;

  private AdminHttpServer(String host, int port, AnnotationConfigServletWebServerApplicationContext context) {
    this.host = host;
    this.port = port;
    this.context = context;
  }

  /**
   * Listens.
   *
   * @param port 0 takes any free one
   * @param refused whom the gRPC server turns away, for the metrics
   * @throws FailureException INVALID_REQUEST if the address cannot be listened on
   */
  public static AdminHttpServer start(String host, int port, ControlSession control, Admin admin, Access access,
      RouterCounters counters, RefusedCallers refused) {
    TOMCAT.setLevel(Level.SEVERE);
    var context = new AnnotationConfigServletWebServerApplicationContext();
    DefaultListableBeanFactory beans = context.getDefaultListableBeanFactory();
    beans.registerSingleton("address", new Address(host, port));
    beans.registerSingleton("control", control);
    beans.registerSingleton("admin", admin);
    beans.registerSingleton("access", access);
    beans.registerSingleton("counters", counters);
    beans.registerSingleton("refusedCallers", refused);
    context.register(AdminHttpApplication.class);
    try {
      context.refresh();
    } catch (RuntimeException failure) {
      context.close();
      throw TomcatSetup.explain(failure, host, port, "--http-port");
    }
    WebServer webServer = context.getWebServer();
    if (webServer == null) {
      throw new IllegalStateException("the context started without its web server");
    }
    return new AdminHttpServer(host, webServer.getPort(), context);
  }

  /** Where callers on this machine reach it. */
  public String url() {
    return "http://" + Addresses.onThisMachine(host, port);
  }

  @Override
  public void close() {
    context.close();
  }
}
