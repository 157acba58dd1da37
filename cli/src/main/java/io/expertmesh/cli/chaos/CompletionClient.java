package io.expertmesh.cli.chaos;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Asks a gateway for completions, streamed, with token ids and log-probabilities. */
final class CompletionClient implements AutoCloseable {
  private static final Duration TIMEOUT = Duration.ofMinutes(2);

  /**
   * An answer and when its tokens came, in {@link System#nanoTime}.
   */
  record Completion(List<Question.Token> tokens, long[] tokenNanos) {}

  private final HttpClient http = HttpClient.newHttpClient();

  /**
   * Returns when the answer is complete.
   *
   * @param gateway URL
   * @throws IOException if there is none, saying why
   */
  Completion complete(String gateway, int[] promptIds, int tokens) throws IOException, InterruptedException {
    ObjectNode body = JsonMapper.shared().createObjectNode()
        .put("max_tokens", tokens).put("temperature", 0).put("ignore_eos", true).put("logprobs", 1)
        .put("stream", true).put("return_token_ids", true);
    ArrayNode prompt = body.putArray("prompt");
    for (int id : promptIds) {
      prompt.add(id);
    }
    HttpRequest request = HttpRequest.newBuilder(URI.create(gateway + "/v1/completions")).timeout(TIMEOUT)
        .header("Content-Type", "application/json").POST(BodyPublishers.ofString(body.toString())).build();
    HttpResponse<Stream<String>> response = http.send(request, BodyHandlers.ofLines());
    try (Stream<String> lines = response.body()) {
      if (response.statusCode() != 200) {
        throw new IOException("status " + response.statusCode() + ": " + lines.findFirst().orElse(""));
      }
      return read(lines);
    } catch (java.io.UncheckedIOException cut) {
      throw cut.getCause();
    }
  }

  private static Completion read(Stream<String> lines) throws IOException {
    List<Question.Token> tokens = new ArrayList<>();
    List<Long> nanos = new ArrayList<>();
    boolean done = false;
    for (String line : (Iterable<String>) lines::iterator) {
      if (line.equals("data: [DONE]")) {
        done = true;
      } else if (line.startsWith("data: ")) {
        JsonNode event = JsonMapper.shared().readTree(line.substring("data: ".length()));
        if (event.has("error")) {
          throw new IOException(event.path("error").path("message").asString());
        }
        JsonNode choice = event.path("choices").path(0);
        JsonNode ids = choice.path("token_ids");
        JsonNode logprobs = choice.path("logprobs").path("token_logprobs");
        for (int i = 0; i < ids.size(); i++) {
          tokens.add(new Question.Token(ids.path(i).asInt(), logprobs.path(i).asDouble(Double.NaN)));
          nanos.add(System.nanoTime());
        }
      }
    }
    if (!done) {
      throw new IOException("the stream ended after %d tokens without [DONE]".formatted(tokens.size()));
    }
    return new Completion(tokens, nanos.stream().mapToLong(Long::longValue).toArray());
  }

  @Override
  public void close() {
    http.close();
  }
}
