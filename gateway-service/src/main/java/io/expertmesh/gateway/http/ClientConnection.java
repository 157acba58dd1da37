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
    // A closed socket reports one readable byte every time (the read that would fail); the first bytes of a pipelined
    // request are reported once and are then kept for later.
    boolean readable = readable();
    if (readable && readable()) {
      throw new ClientDisconnected();
    }
  }

  private boolean readable() {
    request.action(ActionCode.AVAILABLE, true);
    return request.getAvailable() > 0;
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
