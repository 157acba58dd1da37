package io.expertmesh.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.Error;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.context.annotation.ClassPathScanningCandidateComponentProvider;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.core.type.filter.AnnotationTypeFilter;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The document against the code: every route, every field that requests may have, every answer. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OpenApiTest {
  private final TestGateway gateway = new TestGateway();
  private JsonNode document = JsonNodeFactory.instance.objectNode();

  @BeforeAll
  void read() throws Exception {
    document = TestGateway.JSON.readTree(gateway.get("/openapi.json").body());
  }

  @AfterAll
  void stop() {
    gateway.close();
  }

  @Test
  void everyRouteIsDescribedAndEveryDescribedRouteIsThere() throws Exception {
    Set<String> described = new TreeSet<>();
    document.get("paths").forEachEntry((path, operations) -> operations.propertyNames()
        .forEach(method -> described.add(method.toUpperCase(Locale.ROOT) + " " + path)));
    assertThat(routes()).isEqualTo(described);
  }

  private static Set<String> routes() throws ClassNotFoundException {
    var scanner = new ClassPathScanningCandidateComponentProvider(false);
    scanner.addIncludeFilter(new AnnotationTypeFilter(RestController.class));
    Set<String> routes = new TreeSet<>();
    List<BeanDefinition> controllers = new ArrayList<>(scanner.findCandidateComponents("io.expertmesh.gateway"));
    controllers.addAll(scanner.findCandidateComponents("io.expertmesh.web"));
    for (BeanDefinition controller : controllers) {
      for (Method method : Class.forName(controller.getBeanClassName()).getDeclaredMethods()) {
        RequestMapping mapping = AnnotatedElementUtils.findMergedAnnotation(method, RequestMapping.class);
        if (mapping != null) {
          routes.add(mapping.method()[0] + " " + mapping.path()[0].replace("{*", "{"));
        }
      }
    }
    return routes;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock = """
          /v1/completions      | CompletionRequest | CompletionResponse | {"prompt": ["a b", "c"], "max_tokens": 4, "logprobs": 2, "echo": true, "return_routing": true, "return_token_ids": true, "stop": ["x"]}
          /v1/completions      | CompletionRequest | CompletionResponse | {"prompt": [70, 71], "temperature": 0.5, "logit_bias": {"5": 1}}
          /v1/chat/completions | ChatRequest       | ChatResponse       | {"messages": [{"role": "user", "content": "a"}], "max_tokens": 4, "logprobs": true, "top_logprobs": 2, "return_routing": true, "return_token_ids": true}
          /v1/chat/completions | ChatRequest       | ChatResponse       | {"messages": [{"role": "developer", "content": [{"type": "text", "text": "a"}]}, {"role": "user", "content": "a"}], "n": 2, "response_format": {"type": "text"}}
          /v1/completions      | CompletionRequest | CompletionResponse | {"prompt": "a", "expertmesh": {"unavailable_policy": "wait", "wait_seconds": 1.5, "version": "demo"}}
          /v1/chat/completions | ChatRequest       | ChatResponse       | {"messages": [{"role": "user", "content": "a"}], "max_tokens": 4, "expertmesh": {"unavailable_policy": "drop"}}
          /tokenize            | TokenizeRequest   | TokenizeResponse   | {"prompt": "a b", "return_token_strs": true}
          /tokenize            | TokenizeRequest   | TokenizeResponse   | {"messages": [{"role": "user", "content": "a"}], "add_generation_prompt": false}
          """)
  void requestsAndAnswersAreAsDescribed(String path, String requestSchema, String responseSchema, String request)
      throws Exception {
    conforms(requestSchema, TestGateway.JSON.readTree(request));
    conforms(responseSchema, gateway.answer(path, request));
  }

  @Test
  void chunksAreAsDescribed() throws Exception {
    List<JsonNode> chat = gateway.stream("/v1/chat/completions", """
        {"messages": [{"role": "user", "content": "a"}], "max_tokens": 4, "stream": true, "logprobs": true,
         "return_routing": true, "return_token_ids": true, "stream_options": {"include_usage": true},
         "expertmesh": {"unavailable_policy": "substitute"}}""");
    chat.forEach(chunk -> conforms("ChatChunk", chunk));
    List<JsonNode> completion = gateway.stream("/v1/completions", """
        {"prompt": "a", "max_tokens": 4, "stream": true, "logprobs": 1, "echo": true, "return_routing": true}""");
    completion.forEach(chunk -> conforms("CompletionResponse", chunk));
  }

  @Test
  void callsAreAsDescribed() throws Exception {
    String request = """
        {"messages": [{"role": "user", "content": "a"},
          {"role": "assistant", "content": null, "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
          {"role": "tool", "tool_call_id": "c", "content": "b"}],
         "tools": [{"type": "function", "function": {"name": "f", "description": "d", "strict": true,
           "parameters": {"type": "object", "properties": {}}}}], "tool_choice": "auto", "stream": %s}""";
    try (TestGateway tools = new TestGateway("{{ tools }} <tool_call> {{ messages[0].content }} arguments", 1024)) {
      tools.engine.answer(IntStream.concat(IntStream.of(TestGateway.sharedTokenizer()
          .encode("<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>", false)), IntStream.of(0))
          .toArray());
      conforms("ChatRequest", TestGateway.JSON.readTree(request.formatted(false)));
      JsonNode whole = tools.answer("/v1/chat/completions", request.formatted(false));
      assertThat(whole.at("/choices/0/message/tool_calls")).hasSize(1);
      conforms("ChatResponse", whole);
      tools.stream("/v1/chat/completions", request.formatted(true)).forEach(chunk -> conforms("ChatChunk", chunk));
    }
  }

  @Test
  void theOtherAnswersAreAsDescribed() throws Exception {
    conforms("Model", TestGateway.JSON.readTree(gateway.get("/v1/models/demo").body()));
    conforms("RoutingLoad", TestGateway.JSON.readTree(gateway.get("/v1/expertmesh/routing/load").body()));
    conforms("Error", TestGateway.JSON.readTree(gateway.get("/nothing").body()));
  }

  private void conforms(String name, JsonNode value) {
    ObjectNode schema = JsonNodeFactory.instance.objectNode();
    schema.put("$ref", "#/components/schemas/" + name);
    schema.set("components", document.get("components"));
    Schema compiled = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
        .getSchema(SchemaLocation.of("https://expertmesh.example/" + name), schema);
    List<Error> errors = compiled.validate(value);
    assertThat(errors).as("%s: %s", name, value).isEmpty();
  }
}
