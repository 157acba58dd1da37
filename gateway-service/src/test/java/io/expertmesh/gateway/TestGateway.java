package io.expertmesh.gateway;

import io.expertmesh.engine.api.GenerationEngine;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.gateway.versions.ModelVersions;
import io.expertmesh.model.tokenizer.ChatTemplate;
import io.expertmesh.model.tokenizer.LoadedTokenizer;
import io.expertmesh.model.tokenizer.Tokenizer;
import io.expertmesh.model.tokenizer.TokenizerLoader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A gateway on a free port with an engine that follows a script, and a plain HTTP client for it. */
final class TestGateway implements AutoCloseable {
  static final String MODEL = "demo";
  static final int CONTEXT = 64;
  static final JsonMapper JSON = new JsonMapper();
  private static final LoadedTokenizer LOADED = TokenizerLoader.load(Path.of("../models/demo"));

  final ScriptedEngine engine = new ScriptedEngine();
  final ModelVersions versions;
  final GatewayServer server;
  private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  TestGateway(Map<String, ?> settings) {
    Map<String, Object> all = new HashMap<>(settings);
    all.put("expertmesh.port", 0);
    versions = ModelVersions.of(model(engine));
    server = GatewayServer.start(GatewayConfiguration.read(all, null), versions);
  }

  /** A model with the demo model's tokenizer and another chat template. */
  TestGateway(String jinja, int context) {
    versions = ModelVersions.of(new ServedModel(MODEL, List.of(), "v1", Instant.ofEpochSecond(1_700_000_000), engine,
        LOADED.tokenizer(), new ChatTemplate(jinja, Map.of(), "test"), Set.of(0), context, 1024, List.of(0, 1), 16,
        SamplingParameters.GREEDY));
    server = GatewayServer.start(GatewayConfiguration.read(Map.of("expertmesh.port", 0), null), versions);
  }

  /** Other versions of the model beside the one that {@link #engine} runs, which is called "main". */
  TestGateway(Map<String, ?> settings, List<ModelVersions.Version> others) {
    Map<String, Object> all = new HashMap<>(settings);
    all.put("expertmesh.port", 0);
    versions = new ModelVersions(new ModelVersions.Version("main", model(engine)), others);
    server = GatewayServer.start(GatewayConfiguration.read(all, null), versions);
  }

  TestGateway() {
    this(Map.of());
  }

  /** A model with the demo model's tokenizer that {@code engine} runs. */
  static ServedModel model(GenerationEngine engine) {
    return model(MODEL, engine, CONTEXT);
  }

  static ServedModel model(String name, GenerationEngine engine, int context) {
    return new ServedModel(name, List.of("an/alias"), "v1", Instant.ofEpochSecond(1_700_000_000), engine,
        LOADED.tokenizer(), LOADED.chatTemplate(), Set.of(0), context, 1024, List.of(0, 1), 16,
        SamplingParameters.GREEDY);
  }

  /** Tries to listen on {@code port} too. */
  void startAnother(int port) {
    GatewayServer.start(GatewayConfiguration.read(Map.of("expertmesh.port", port), null), model(engine)).close();
  }

  static Tokenizer sharedTokenizer() {
    return LOADED.tokenizer();
  }

  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(server.url() + path)).timeout(Duration.ofSeconds(20));
  }

  HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
    return client.send(request, BodyHandlers.ofString());
  }

  HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return send(request(path).build());
  }

  HttpResponse<String> post(String path, String body) throws IOException, InterruptedException {
    return send(request(path).header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build());
  }

  /** The answer to a request that must succeed. */
  JsonNode answer(String path, String body) throws IOException, InterruptedException {
    HttpResponse<String> response = post(path, body);
    if (response.statusCode() != 200) {
      throw new AssertionError(response.statusCode() + ": " + response.body());
    }
    return JSON.readTree(response.body());
  }

  /** The events of a stream that must end with {@code [DONE]}. */
  List<JsonNode> stream(String path, String body) throws IOException, InterruptedException {
    HttpResponse<String> response = post(path, body);
    String type = response.headers().firstValue("Content-Type").orElse("");
    if (!type.startsWith("text/event-stream") || !response.body().endsWith("data: [DONE]\n\n")) {
      throw new AssertionError(response.statusCode() + " " + type + ": " + response.body());
    }
    return response.body().lines()
        .filter(line -> line.startsWith("data: {"))
        .map(line -> JSON.readTree(line.substring("data: ".length())))
        .toList();
  }

  @Override
  public void close() {
    server.close();
    engine.close();
  }
}
