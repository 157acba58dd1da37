package io.expertmesh.gateway.http;

import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.apache.coyote.ActionCode;

/**
 * Says whether the client is still there. A server that is only computing writes nothing, and so would not notice
 * before the end that nobody waits for the answer. Only for the thread that handles the request.
 */
public final class ClientConnection {
  private static final String ATTRIBUTE = ClientConnection.class.getName();

  private final org.apache.coyote.Request request;

  private ClientConnection(org.apache.coyote.Request request) {
    this.request = request;
  }

  public static ClientConnection of(HttpServletRequest request) {
    return (ClientConnection) request.getAttribute(ATTRIBUTE);
  }

  /**
   * Whether the client closed the connection, or its sending half, which an HTTP client does not do while it waits.
   * The request body must have been read.
   *
   * @throws ClientDisconnected if it did
   */
  public void requireOpen() {
    // Tomcat reports one readable byte for a closed socket (the read that would fail) and the length of what came for
    // a pipelined request, which is longer.
    request.action(ActionCode.AVAILABLE, true);
    if (request.getAvailable() == 1) {
      throw new ClientDisconnected();
    }
  }

  /** Gives each request its connection. */
  public static final class Valve extends ValveBase {
    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
      request.setAttribute(ATTRIBUTE, new ClientConnection(request.getCoyoteRequest()));
      getNext().invoke(request, response);
    }
  }
}
