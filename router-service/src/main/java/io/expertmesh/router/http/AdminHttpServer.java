package io.expertmesh.router.http;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.router.admin.Access;
import io.expertmesh.router.admin.Admin;
import io.expertmesh.router.control.ControlSession;
import io.expertmesh.router.metrics.RouterCounters;
import java.net.BindException;
import java.net.UnknownHostException;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.springframework.beans.factory.support.DefaultListableBeanFactory;
import org.springframework.boot.web.server.PortInUseException;
import org.springframework.boot.web.server.WebServer;
import org.springframework.boot.web.server.WebServerException;
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
   * @throws FailureException INVALID_REQUEST if the address cannot be listened on
   */
  public static AdminHttpServer start(String host, int port, ControlSession control, Admin admin, Access access,
      RouterCounters counters) {
    TOMCAT.setLevel(Level.SEVERE);
    var context = new AnnotationConfigServletWebServerApplicationContext();
    DefaultListableBeanFactory beans = context.getDefaultListableBeanFactory();
    beans.registerSingleton("address", new Address(host, port));
    beans.registerSingleton("control", control);
    beans.registerSingleton("admin", admin);
    beans.registerSingleton("access", access);
    beans.registerSingleton("counters", counters);
    context.register(AdminHttpApplication.class);
    try {
      context.refresh();
    } catch (RuntimeException failure) {
      context.close();
      throw explain(failure, host, port);
    }
    WebServer webServer = context.getWebServer();
    if (webServer == null) {
      throw new IllegalStateException("the context started without its web server");
    }
    return new AdminHttpServer(host, webServer.getPort(), context);
  }

  private static RuntimeException explain(RuntimeException failure, String host, int port) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof PortInUseException) {
        return new FailureException(FailureCategory.INVALID_REQUEST,
            "Port %d on %s is in use: stop what listens there or choose another port (--http-port, 0 for any)."
                .formatted(port, host),
            failure);
      }
      if (cause instanceof BindException || cause instanceof UnknownHostException
          || cause instanceof WebServerException) {
        return new FailureException(FailureCategory.INVALID_REQUEST,
            "Cannot listen on %s port %d for HTTP: %s".formatted(host, port, cause.getMessage()), failure);
      }
    }
    return failure;
  }

  /** Where callers on this machine reach it. */
  public String url() {
    String reachable = host.equals("0.0.0.0") || host.equals("::") ? "127.0.0.1" : host;
    return "http://%s:%d".formatted(reachable.contains(":") ? "[" + reachable + "]" : reachable, port);
  }

  @Override
  public void close() {
    context.close();
  }
}
