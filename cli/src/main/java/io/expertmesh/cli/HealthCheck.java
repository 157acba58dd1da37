package io.expertmesh.cli;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * Asks a service in the same container whether it is well, for a container engine's health check: the images have no
 * program that could. Exit code 0 if it answers 200, and 1 otherwise.
 *
 * <p>Not a subcommand, and HTTP by hand: it runs every few seconds, and this way the JVM is done in a tenth of a second.
 */
final class HealthCheck {
  private static final int PATIENCE_MILLIS = 4_000;

  private HealthCheck() {}

  /** Arguments: the port and the path, such as {@code 8080 /health}. */
  public static void main(String[] arguments) {
    System.exit(answersOk(Integer.parseInt(arguments[0]), arguments[1]) ? 0 : 1);
  }

  static boolean answersOk(int port, String path) {
    try (Socket socket = new Socket()) {
      socket.setSoTimeout(PATIENCE_MILLIS);
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), PATIENCE_MILLIS);
      String request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      String status = new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII);
      return status.equals("HTTP/1.1 200");
    } catch (IOException notThere) {
      return false;
    }
  }
}
