package io.expertmesh.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.junit.jupiter.api.Test;

final class HealthCheckTest {
  @Test
  void isWellOnlyIfTheServiceAnswers200() throws IOException {
    HttpServer service = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    service.createContext("/health", exchange -> {
      exchange.sendResponseHeaders(200, -1);
      exchange.close();
    });
    service.createContext("/ready", exchange -> {
      exchange.sendResponseHeaders(503, -1);
      exchange.close();
    });
    service.start();
    int port = service.getAddress().getPort();
    try {
      assertThat(HealthCheck.answersOk(port, "/health")).isTrue();
      assertThat(HealthCheck.answersOk(port, "/ready")).isFalse();
      assertThat(HealthCheck.answersOk(port, "/other")).isFalse();
    } finally {
      service.stop(0);
    }
    assertThat(HealthCheck.answersOk(port, "/health")).isFalse();
  }
}
