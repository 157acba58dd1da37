package io.expertmesh.gateway.http;

import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import tools.jackson.databind.JsonNode;

/** Writes server-sent events as OpenAI does. The response starts with the first write. */
public final class SseWriter {
  private final HttpServletResponse response;
  private final long keepAliveNanos;
  private long lastWrite = System.nanoTime();

  /** @param keepAlive how long the stream may be silent */
  public SseWriter(HttpServletResponse response, Duration keepAlive) {
    this.response = response;
    this.keepAliveNanos = keepAlive.toNanos();
  }

  /** @throws ClientDisconnected if nobody receives it */
  public void event(JsonNode data) {
    write("data: " + data + "\n\n");
  }

  /** The end of the stream. */
  public void done() {
    write("data: [DONE]\n\n");
  }

  /** Sends a comment if nothing was sent for a while, so that proxies and clients do not give up. */
  public void keepAlive() {
    if (System.nanoTime() - lastWrite >= keepAliveNanos) {
      write(": keep-alive\n\n");
    }
  }

  private void write(String text) {
    try {
      if (!response.isCommitted()) {
        response.setContentType("text/event-stream;charset=UTF-8");
        response.setHeader("Cache-Control", "no-cache");
        response.setHeader("X-Accel-Buffering", "no");
      }
      response.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
      response.flushBuffer();
      lastWrite = System.nanoTime();
    } catch (IOException disconnected) {
      throw new ClientDisconnected();
    }
  }
}
