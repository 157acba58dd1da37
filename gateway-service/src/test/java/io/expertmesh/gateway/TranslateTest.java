package io.expertmesh.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.gateway.versions.ModelVersions;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.checkpoint.SafetensorsCheckpoint;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A tiny NLLB-MoE checkpoint behind HTTP translates as transformers does. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TranslateTest {
  private static final Path FOLDER = Path.of("../model/src/test/resources/translation/tiny-nllb");
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final JsonNode REFERENCE = JSON.readTree(FOLDER.resolve("reference.json"));

  private final EmbeddedModel model = EmbeddedModel.open(SafetensorsCheckpoint.open(FOLDER), "tiny", List.of(),
      Numerics.EXACT, 1);
  private final GatewayServer server = GatewayServer.start(
      GatewayConfiguration.read(Map.of("expertmesh.port", 0), null), ModelVersions.of(model.served()));
  private final HttpClient client = HttpClient.newHttpClient();

  @AfterAll
  void stop() {
    server.close();
    model.close();
  }

  private HttpResponse<String> post(String path, JsonNode body) throws Exception {
    return client.send(HttpRequest.newBuilder(URI.create(server.url() + path)).header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(body.toString())).build(), HttpResponse.BodyHandlers.ofString());
  }

  private JsonNode answer(String path, JsonNode body) throws Exception {
    HttpResponse<String> response = post(path, body);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return JSON.readTree(response.body());
  }

  private static ObjectNode completion(JsonNode expected) {
    ObjectNode request = JSON.createObjectNode().put("temperature", 0).put("return_token_ids", true)
        .put("max_tokens", expected.path("output_ids").size() - 2);
    request.set("prompt", expected.path("input_ids"));
    return request;
  }

  /** Generated tokens: without the decoder's start, the forced language and perhaps the end. */
  private static List<Integer> generated(JsonNode expected) {
    return expected.path("output_ids").valueStream().skip(2).map(JsonNode::intValue).toList();
  }

  @Test
  void theEncoderReadsThePromptAndTheDecoderItsOwn() throws Exception {
    for (JsonNode expected : REFERENCE.path("translations")) {
      ObjectNode request = completion(expected);
      request.putArray("decoder_prompt").add(2).add(expected.at("/output_ids/1").intValue());
      JsonNode answer = answer("/v1/completions", request);
      JsonNode choice = answer.at("/choices/0");
      assertThat(choice.path("prompt_token_ids")).isEqualTo(expected.path("input_ids"));
      assertThat(answer.at("/usage/prompt_tokens").intValue()).isEqualTo(expected.path("input_ids").size() + 2);
      assertThat(choice.path("token_ids").size()).isEqualTo(generated(expected).size());
    }
  }

  @Test
  void translationsAreThoseOfTransformers() throws Exception {
    for (JsonNode expected : REFERENCE.path("translations")) {
      ObjectNode request = JSON.createObjectNode();
      List.of("source", "target").forEach(field -> request.set(field, expected.path(field)));
      request.set("q", expected.path("text"));
      String text = answer("/translate", request).path("translatedText").stringValue();
      // transformers was told to stop after a number of tokens; a translation here goes on to its end.
      assertThat(text).startsWith(expected.path("translation").stringValue());
    }
  }

  @Test
  void severalTextsHaveATranslationEach() throws Exception {
    JsonNode several = answer("/translate", JSON.readTree("""
        {"q": ["The quick", "brown fox"], "source": "en", "target": "fra_Latn", "format": "text"}"""));
    for (int i = 0; i < 2; i++) {
      JsonNode one = answer("/translate", JSON.createObjectNode().put("q", i == 0 ? "The quick" : "brown fox")
          .put("source", "eng_Latn").put("target", "fr"));
      assertThat(several.at("/translatedText/" + i)).isEqualTo(one.path("translatedText"));
    }
  }

  @Test
  void everyLanguageIsListed() throws Exception {
    JsonNode list = JSON.readTree(client.send(HttpRequest.newBuilder(URI.create(server.url() + "/languages")).build(),
        HttpResponse.BodyHandlers.ofString()).body());
    assertThat(list.size()).isEqualTo(202);
    assertThat(list.valueStream().filter(one -> one.path("code").stringValue().equals("deu_Latn")))
        .singleElement().satisfies(german -> {
          assertThat(german.path("name").stringValue()).isEqualTo("German");
          assertThat(german.path("targets").size()).isEqualTo(202);
        });
  }

  @Test
  void whatCannotBeIsRefusedWithWhatCan() throws Exception {
    refused("/translate", "{\"q\": \"a\", \"source\": \"eng_Latn\", \"target\": \"deu_Latin\"}", "target", "deu_Latn");
    refused("/translate", "{\"q\": \"a\", \"source\": \"auto\", \"target\": \"de\"}", "source", "not detected");
    refused("/translate", "{\"q\": \"<b>a</b>\", \"source\": \"en\", \"target\": \"de\", \"format\": \"html\"}", "format",
        "plain");
    refused("/v1/completions", "{\"prompt\": \"a\", \"echo\": true}", "echo", "encoder-decoder");
    refused("/v1/completions", "{\"prompt\": \"a\", \"decoder_prompt\": [100000]}", "decoder_prompt[0]", "between");
  }

  private void refused(String path, String request, String parameter, String message) throws Exception {
    HttpResponse<String> response = post(path, JSON.readTree(request));
    assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
    assertThat(JSON.readTree(response.body()).at("/error/param").stringValue()).isEqualTo(parameter);
    assertThat(response.body()).contains(message);
  }
}
