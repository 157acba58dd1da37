package io.expertmesh.model.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ChatToolsTest {
  /** Each template is given calls as it wants them, which nobody says: the text is that of transformers. */
  @TestFactory
  List<DynamicTest> rendersCallsAsTransformersDoes() throws IOException {
    JsonNode reference;
    try (InputStream in = ChatToolsTest.class.getResourceAsStream("/golden/chat-tools.json")) {
      reference = JsonMapper.shared().readTree(in);
    }
    Map<String, String> special = new HashMap<>();
    reference.path("special_tokens").properties()
        .forEach(token -> special.put(token.getKey(), token.getValue().stringValue()));
    List<JsonNode> tools = reference.path("tools").valueStream().toList();
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode sample : reference.path("templates")) {
      tests.add(DynamicTest.dynamicTest(sample.path("name").stringValue(), () -> {
        ChatTemplate template = new ChatTemplate(sample.path("template").stringValue(), special, "test");
        assertThat(template.takesTools()).isTrue();
        assertThat(sample.path("cases").size()).isEqualTo(24);
        for (JsonNode one : sample.path("cases")) {
          List<ChatMessage> messages = messages(
              reference.path("conversations").path(one.path("conversation").intValue()));
          assertThat(template.render(messages, one.path("tools").booleanValue() ? tools : List.of(),
              one.path("add_generation_prompt").booleanValue())).isEqualTo(one.path("text").stringValue());
        }
      }));
    }
    assertThat(tests).hasSizeGreaterThan(5);
    return tests;
  }

  private static List<ChatMessage> messages(JsonNode array) {
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonNode message : array) {
      List<ToolCall> calls = new ArrayList<>();
      for (JsonNode call : message.path("tool_calls")) {
        calls.add(new ToolCall(call.path("id").stringValue(), call.at("/function/name").stringValue(),
            call.at("/function/arguments").stringValue()));
      }
      messages.add(new ChatMessage(message.path("role").stringValue(), message.path("content").stringValue(null), null,
          calls, message.path("tool_call_id").stringValue(null)));
    }
    return messages;
  }

  @Test
  void aTemplateTakesToolsIfItLooksAtThem() {
    assertThat(takesTools("{% if tools %}x{% endif %}")).isTrue();
    assertThat(takesTools("{{ tools | tojson }}")).isTrue();
    assertThat(takesTools("{{ message.tools }}{{ message['tools'] }} tools {# tools #}")).isFalse();
    assertThat(takesTools("{% if tools")).isFalse();
  }

  private static boolean takesTools(String jinja) {
    return new ChatTemplate(jinja, Map.of(), "test").takesTools();
  }

  @Test
  void numbersThatAreNoLongAreStillWritten() {
    ChatTemplate template = new ChatTemplate("{{ tools | tojson }}", Map.of(), "test");
    String json = "[{\"a\": 123456789012345678901234567890, \"b\": 1e-5, \"c\": [true, null, \"\\u00e9\"]}]";
    assertThat(template.render(List.of(), JsonMapper.shared().readTree(json).valueStream().toList(), true))
        .isEqualTo("[{\"a\": 1.2345678901234568e+29, \"b\": 1e-05, \"c\": [true, null, \"é\"]}]");
  }
}
