package io.expertmesh.web;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import org.apache.catalina.core.StandardHost;
import org.apache.coyote.http11.AbstractHttp11Protocol;
import org.apache.tomcat.util.threads.VirtualThreadExecutor;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.PortInUseException;
import org.springframework.boot.web.server.WebServerException;

/** Tomcat on virtual threads. */
public final class TomcatSetup {
  private TomcatSetup() {}

  /**
   * A server on one address.
   *
   * @param errors answers what Tomcat refuses by itself
   */
  public static TomcatServletWebServerFactory factory(String host, int port,
      Class<? extends ProtocolErrorValve> errors) throws UnknownHostException {
    TomcatServletWebServerFactory factory = new TomcatServletWebServerFactory(port);
    factory.setAddress(InetAddress.getByName(host));
    factory.setDisableMBeanRegistry(true);
    factory.setRegisterDefaultServlet(false);
    factory.addContextCustomizers(context -> {
      if (context.getParent() instanceof StandardHost virtualHost) {
        virtualHost.setErrorReportValveClass(errors.getName());
      }
    });
    factory.addConnectorCustomizers(connector -> {
      connector.setXpoweredBy(false);
      if (connector.getProtocolHandler() instanceof AbstractHttp11Protocol<?> http) {
        http.setExecutor(new VirtualThreadExecutor("http-"));
        http.setTcpNoDelay(true);
      }
    });
    return factory;
  }

  /**
   * Why a server did not start, in words for whoever started it.
   *
   * @param option that chooses the port, such as {@code --port}
   * @return {@code failure} itself if it is none that a user can mend
   */
  public static RuntimeException explain(RuntimeException failure, String host, int port, String option) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof FailureException known) {
        return known;
      }
      if (cause instanceof PortInUseException) {
        return new FailureException(FailureCategory.INVALID_REQUEST,
            "Port %d on %s is in use: stop what listens there or choose another port (%s, 0 for any)."
                .formatted(port, host, option),
            failure);
      }
      if (cause instanceof BindException || cause instanceof UnknownHostException
          || cause instanceof WebServerException) {
        return new FailureException(FailureCategory.INVALID_REQUEST,
            "Cannot listen on %s port %d for HTTP: %s".formatted(host, port, rootMessage(cause)), failure);
      }
    }
    return failure;
  }

  private static String rootMessage(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return String.valueOf(root.getMessage());
  }
}
