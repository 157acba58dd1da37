package io.expertmesh.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.model.failure.FailureException;
import java.net.SocketException;
import java.net.http.HttpResponse;
import java.util.Map;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;

class ShutdownTest {
  private static final String STREAM = "{\"prompt\": \"a b c\", \"max_tokens\": 5, \"stream\": true}";

  @Test
  void runningAnswersAreFinished() throws Exception {
    try (TestGateway gateway = new TestGateway(Map.of("expertmesh.shutdown-timeout", "20s"));
        RawClient client = new RawClient(gateway.server.port())) {
      Semaphore permits = gateway.engine.pause();
      client.post("/v1/completions", STREAM);
      permits.release(2);
      client.readUntil("data: {");
      Thread closing = Thread.ofVirtual().start(gateway.server::close);
      refusesConnections(gateway);
      assertThat(closing.isAlive()).isTrue();
      permits.release(20);
      client.readUntil("data: [DONE]");
      closing.join();
    }
  }

  @Test
  void answersThatTakeTooLongAreGivenUpWithAnError() throws Exception {
    try (TestGateway gateway = new TestGateway(Map.of("expertmesh.shutdown-timeout", "100ms"));
        RawClient client = new RawClient(gateway.server.port())) {
      Semaphore permits = gateway.engine.pause();
      client.post("/v1/completions", STREAM);
      permits.release(2);
      client.readUntil("data: {");
      gateway.server.close();
      assertThat(client.readUntil("}}")).contains("\"code\":\"unavailable\"");
      assertThat(gateway.engine.running()).isZero();
    }
  }

  @Test
  void aDelayBeforeTheEndStillTakesRequestsAndSendsClientsElsewhere() throws Exception {
    try (TestGateway gateway = new TestGateway(Map.of("expertmesh.shutdown-delay", "1h"))) {
      String completion = "{\"prompt\": \"a b c\", \"max_tokens\": 2}";
      assertThat(gateway.post("/v1/completions", completion).headers().firstValue("Connection")).isEmpty();
      Thread closing = Thread.ofVirtual().start(gateway.server::close);
      while (gateway.get("/health").statusCode() == 200) {
        Thread.onSpinWait();
      }
      HttpResponse<String> last = gateway.post("/v1/completions", completion);
      assertThat(last.statusCode()).isEqualTo(200);
      try (RawClient client = new RawClient(gateway.server.port())) {
        client.post("/v1/completions", completion);
        assertThat(client.readUntil("\r\n\r\n")).containsIgnoringCase("connection: close");
      }
      closing.interrupt();
      closing.join();
      refusesConnections(gateway);
    }
  }

  private static void refusesConnections(TestGateway gateway) {
    while (true) {
      try (RawClient attempt = new RawClient(gateway.server.port())) {
        assertThat(attempt).isNotNull();
      } catch (SocketException refused) {
        return; // or reset, if it stops just then
      } catch (java.io.IOException other) {
        throw new AssertionError(other);
      }
    }
  }

  @Test
  void aBusyPortIsExplained() {
    try (TestGateway gateway = new TestGateway()) {
      int port = gateway.server.port();
      assertThatThrownBy(() -> gateway.startAnother(port))
          .isInstanceOf(FailureException.class)
          .hasMessageContaining("Port " + port)
          .hasMessageContaining("in use");
    }
  }
}
