package io.expertmesh.gateway.http;

/** The client closed the connection; there is nobody left to answer. */
public final class ClientDisconnected extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ClientDisconnected() {
    super("the client closed the connection", null, false, false);
  }
}
