package io.expertmesh.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DisconnectTest {
  private final TestGateway gateway = new TestGateway(Map.of("expertmesh.keep-alive", "50ms"));

  @AfterAll
  void stop() {
    gateway.close();
  }

  private static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited for 10 s").isLessThan(deadline);
      Thread.onSpinWait();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void hangingUpDuringThePromptCancels(boolean stream) throws Exception {
    gateway.engine.pause();
    try (RawClient client = new RawClient(gateway.server.port())) {
      client.post("/v1/completions", "{\"prompt\": \"a b c\", \"n\": 2, \"stream\": %s}".formatted(stream));
      await(() -> gateway.engine.running() == 2);
    }
    await(() -> gateway.engine.running() == 0);
  }

  @Test
  void hangingUpInTheMiddleOfAStreamCancels() throws Exception {
    Semaphore permits = gateway.engine.pause();
    try (RawClient client = new RawClient(gateway.server.port())) {
      client.post("/v1/completions", "{\"prompt\": \"a b c\", \"max_tokens\": 20, \"stream\": true}");
      permits.release(3);
      client.readUntil("data: {");
      assertThat(gateway.engine.running()).isEqualTo(1);
    }
    await(() -> gateway.engine.running() == 0);
  }

  @Test
  void aSilentStreamIsKeptAlive() throws Exception {
    Semaphore permits = gateway.engine.pause();
    try (RawClient client = new RawClient(gateway.server.port())) {
      client.post("/v1/completions", "{\"prompt\": \"a b c\", \"max_tokens\": 2, \"stream\": true}");
      client.readUntil(": keep-alive\n\n");
      client.readUntil(": keep-alive\n\n");
      permits.release(10);
      client.readUntil("data: [DONE]");
    }
  }

  @Test
  void aPipelinedRequestIsNoHangUp() throws Exception {
    Semaphore permits = gateway.engine.pause();
    try (RawClient client = new RawClient(gateway.server.port())) {
      client.post("/v1/completions", "{\"prompt\": \"a b c\", \"max_tokens\": 2}");
      await(() -> gateway.engine.running() == 1);
      client.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
      // The time of two looks at the connection goes by before the answer is let through.
      assertThat(permits.tryAcquire(250, TimeUnit.MILLISECONDS)).isFalse();
      permits.release(10);
      assertThat(client.readUntil("text_completion")).startsWith("HTTP/1.1 200");
      client.readUntil("HTTP/1.1 200");
      client.readUntil("ready");
    }
  }
}
