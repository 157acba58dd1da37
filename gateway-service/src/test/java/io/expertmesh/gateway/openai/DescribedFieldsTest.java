package io.expertmesh.gateway.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.ScriptedEngine;
import io.expertmesh.gateway.http.JsonFields;
import io.expertmesh.model.tokenizer.LoadedTokenizer;
import io.expertmesh.model.tokenizer.TokenizerLoader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.Yaml;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The fields that requests may have are those that the OpenAPI document describes. */
class DescribedFieldsTest {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final JsonNode DOCUMENT = document();
  private static final GatewayConfiguration CONFIGURATION = GatewayConfiguration.read(Map.of(), null);

  private static JsonNode document() {
    try (InputStream file = ScriptedEngine.class.getResourceAsStream("openapi.yaml")) {
      return JSON.valueToTree(new Yaml().load(file));
    } catch (IOException unreadable) {
      throw new AssertionError(unreadable);
    }
  }

  private static ServedModel model() {
    LoadedTokenizer loaded = TokenizerLoader.load(Path.of("../models/demo"));
    return new ServedModel("demo", List.of(), "v1", Instant.EPOCH, new ScriptedEngine(), loaded.tokenizer(),
        loaded.chatTemplate(), Set.of(0), 64, 1024, List.of(0), 16, SamplingParameters.GREEDY);
  }

  private static JsonFields fields(String request) {
    return new JsonFields((ObjectNode) JSON.readTree(request));
  }

  private static Set<String> described(JsonNode schema) {
    Set<String> names = new TreeSet<>(schema.path("properties").propertyNames());
    for (JsonNode part : schema.path("allOf")) {
      names.addAll(described(DOCUMENT.at(part.get("$ref").stringValue().substring(1))));
    }
    return names;
  }

  @Test
  void ofCompletions() {
    JsonFields fields = fields("{\"prompt\": \"a\"}");
    CompletionRequest.read(fields, model(), CONFIGURATION);
    assertThat(new TreeSet<>(fields.known()))
        .isEqualTo(described(DOCUMENT.at("/components/schemas/CompletionRequest")));
  }

  @Test
  void ofChats() {
    JsonFields fields = fields("{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}");
    ChatRequest.read(fields, model(), CONFIGURATION);
    assertThat(new TreeSet<>(fields.known())).isEqualTo(described(DOCUMENT.at("/components/schemas/ChatRequest")));
  }
}
