package io.expertmesh.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.expert.ExpertConfiguration;
import io.expertmesh.expert.ExpertIds;
import io.expertmesh.expert.ExpertServer;
import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.GatewayServer;
import io.expertmesh.gateway.remote.RemoteExpertsCollector;
import io.expertmesh.gateway.remote.RemoteModel;
import io.expertmesh.gateway.remote.RemoteSettings;
import io.expertmesh.gateway.versions.ModelVersions;
import io.expertmesh.gateway.versions.ModelVersions.Version;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.checkpoint.SafetensorsCheckpoint;
import io.expertmesh.model.checkpoint.Tensor;
import io.expertmesh.model.device.CpuDevices;
import io.expertmesh.router.RouterConfiguration;
import io.expertmesh.router.RouterServer;
import io.expertmesh.transport.Plaintext;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Two versions of a model, of which one expert differs, behind one gateway and one router. */
@Timeout(120)
class CanaryTest {
  private static final Path DEMO = Path.of("../models/demo");
  private static final int CHANGED_EXPERT = 5;
  private static final String QUESTION = "\"prompt\": \"Once upon a time\", \"temperature\": 0";

  @TempDir
  private Path folder;

  private final HttpClient http = HttpClient.newHttpClient();

  private void copyDemo() throws IOException {
    try (var files = Files.list(DEMO)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
  }

  /** Turns the signs of one of an expert's matrices in every layer. */
  private void changeOneExpert() throws IOException {
    Path file = folder.resolve("model.safetensors");
    byte[] all = Files.readAllBytes(file);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (Tensor tensor : SafetensorsCheckpoint.open(DEMO).tensors().values()) {
        if (tensor.name().endsWith(".experts." + CHANGED_EXPERT + ".down_proj.weight")) {
          byte[] weights = tensor.data().toArray(ValueLayout.JAVA_BYTE);
          long at = offset(all, weights);
          for (int i = 1; i < weights.length; i += 2) {
            weights[i] ^= (byte) 0x80;
          }
          channel.write(ByteBuffer.wrap(weights), at);
        }
      }
    }
  }

  private static int offset(byte[] all, byte[] part) {
    for (int at = 0; at <= all.length - part.length; at++) {
      if (Arrays.equals(all, at, at + part.length, part, 0, part.length)) {
        return at;
      }
    }
    throw new AssertionError("the tensor is not in the file");
  }

  private static EmbeddedModel embedded(Path model) {
    return EmbeddedModel.open(SafetensorsCheckpoint.open(model), "demo", List.of(), Numerics.EXACT, 1);
  }

  private static ExpertServer expert(String name, String experts, Path model, RouterServer router) {
    return ExpertServer.start(new ExpertConfiguration(name, "127.0.0.1", 0, 0, null, ExpertIds.parse(experts), 0,
        CpuDevices.NAME, null, Numerics.EXACT, 1, null, ExpertConfiguration.DEFAULT_QUEUED_ROWS,
        List.of(router.endpoint()),
        Plaintext.LOOPBACK, Duration.ZERO, Duration.ofSeconds(10)), SafetensorsCheckpoint.open(model));
  }

  private static EmbeddedModel remote(Path model, RemoteModel experts) {
    return EmbeddedModel.open(SafetensorsCheckpoint.open(model), "demo", List.of(), Numerics.EXACT, 1, experts, 2);
  }

  private HttpResponse<String> ask(GatewayServer gateway, int tokens, String more) throws Exception {
    return http.send(completion(gateway, "{%s, \"max_tokens\": %d%s}".formatted(QUESTION, tokens, more)),
        BodyHandlers.ofString());
  }

  private static HttpRequest completion(GatewayServer gateway, String body) {
    return HttpRequest.newBuilder(URI.create(gateway.url() + "/v1/completions"))
        .header("Content-Type", "application/json").POST(BodyPublishers.ofString(body)).build();
  }

  private static JsonNode json(HttpResponse<String> response) {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return JsonMapper.shared().readTree(response.body());
  }

  private static String version(JsonNode answer) {
    return answer.get("system_fingerprint").stringValue();
  }

  private static String text(JsonNode answer) {
    return answer.get("choices").get(0).get("text").stringValue();
  }

  private void share(RouterServer router, ModelVersions versions, String shares, int count) throws Exception {
    HttpResponse<String> response = http.send(HttpRequest.newBuilder(URI.create(router.url() + "/v1/admin/traffic"))
        .header("Content-Type", "application/json").PUT(BodyPublishers.ofString("{\"traffic\": [" + shares + "]}"))
        .build(), BodyHandlers.ofString());
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    while (versions.traffic().shares().size() != count) {
      Thread.onSpinWait();
    }
  }

  private String expected(Path model) throws Exception {
    try (EmbeddedModel alone = embedded(model);
        GatewayServer gateway = GatewayServer.start(
            GatewayConfiguration.read(Map.of("expertmesh.port", 0), null), alone.served())) {
      return text(json(ask(gateway, 32, "")));
    }
  }

  @Test
  void aVersionGetsItsShareAndSharesItsEqualExperts() throws Exception {
    copyDemo();
    changeOneExpert();
    String mainText = expected(DEMO);
    String canaryText = expected(folder);
    assertThat(canaryText).isNotEqualTo(mainText);
    try (
        RouterServer router = RouterServer.start(RouterConfiguration.read(
            Map.of("expertmesh.router.port", 0, "expertmesh.router.http-port", 0), null), Plaintext.LOOPBACK);
        ExpertServer _ = expert("low", "0-7", DEMO, router);
        ExpertServer _ = expert("high", "8-15", DEMO, router);
        RemoteModel mainExperts = new RemoteModel("gateway", RemoteSettings.defaults(),
            RemoteModel.routers("gateway", List.of(router.endpoint()), null, Plaintext.LOOPBACK), Plaintext.LOOPBACK);
        EmbeddedModel main = remote(DEMO, mainExperts);
        RemoteModel canaryExperts = mainExperts.beside();
        EmbeddedModel canary = remote(folder, canaryExperts)) {
      String mainName = mainExperts.fingerprint().version();
      String canaryName = canaryExperts.fingerprint().version();
      ModelVersions versions = new ModelVersions(new Version(mainName, main.served()),
          List.of(new Version(canaryName, canary.served())));
      versions.traffic().follow(mainExperts.tables());
      mainExperts.awaitExperts();
      try (GatewayServer gateway = GatewayServer.start(GatewayConfiguration.read(Map.of("expertmesh.port", 0), null),
          versions, List.of(new RemoteExpertsCollector(List.of(mainExperts, canaryExperts))))) {
        String wanted = ", \"expertmesh\": {\"version\": \"" + canaryName + "\"}";
        assertThat(text(json(ask(gateway, 32, "")))).isEqualTo(mainText);
        HttpResponse<String> missing = ask(gateway, 32, wanted);
        assertThat(missing.statusCode()).isEqualTo(503);
        assertThat(missing.body()).contains("expert " + CHANGED_EXPERT);

        try (ExpertServer _ = expert("canary", String.valueOf(CHANGED_EXPERT), folder, router)) {
          assertThat(canaryExperts.experts().awaitAll(Duration.ofSeconds(30))).isTrue();
          JsonNode answer = json(ask(gateway, 32, wanted));
          assertThat(text(answer)).isEqualTo(canaryText);
          assertThat(version(answer)).isEqualTo(canaryName);

          share(router, versions, "{\"version\": \"" + canaryName + "\", \"percent\": 100}", 1);
          assertThat(text(json(ask(gateway, 32, "")))).isEqualTo(canaryText);
          assertThat(rollBackWhileItRuns(gateway, router, versions, canaryName)).isEqualTo(canaryText);
          answer = json(ask(gateway, 32, ""));
          assertThat(version(answer)).isEqualTo(mainName);
          assertThat(text(answer)).isEqualTo(mainText);
          assertThat(metrics(gateway)).contains("expertmesh_experts_unavailable{version=\"" + mainName + "\"} 0.0",
              "expertmesh_expert_connected{replica=\"low\",version=\"" + canaryName + "\"} 1.0");
        }
      }
    }
  }

  private String metrics(GatewayServer gateway) throws Exception {
    return http.send(HttpRequest.newBuilder(URI.create(gateway.url() + "/metrics")).build(), BodyHandlers.ofString())
        .body();
  }

  private String rollBackWhileItRuns(GatewayServer gateway, RouterServer router, ModelVersions versions,
      String canaryName) throws Exception {
    StringBuilder text = new StringBuilder();
    try (var lines = http.send(completion(gateway, "{" + QUESTION + ", \"max_tokens\": 32, \"stream\": true}"),
        BodyHandlers.ofLines()).body()) {
      Iterator<String> chunks = lines.filter(line -> line.startsWith("data: {")).iterator();
      for (int i = 0; chunks.hasNext(); i++) {
        JsonNode chunk = JsonMapper.shared().readTree(chunks.next().substring("data: ".length()));
        assertThat(version(chunk)).isEqualTo(canaryName);
        text.append(text(chunk));
        if (i == 1) {
          share(router, versions, "", 0);
        }
      }
    }
    return text.toString();
  }

  @Test
  void anotherTokenizerIsRefused() throws IOException {
    copyDemo();
    Path tokenizer = folder.resolve("tokenizer.json");
    Files.writeString(tokenizer, Files.readString(tokenizer)
        .replace("\"!\": 4,", "\"!\": 6,").replace("\"#\": 6,", "\"#\": 4,"));
    try (EmbeddedModel main = embedded(DEMO); EmbeddedModel other = embedded(folder)) {
      assertThatThrownBy(() -> new ModelVersions(new Version("main", main.served()),
          List.of(new Version("other", other.served()))))
          .hasMessageContaining("version 'other' cannot be served beside 'main': token 4 is '#' and '!'");
    }
  }
}
