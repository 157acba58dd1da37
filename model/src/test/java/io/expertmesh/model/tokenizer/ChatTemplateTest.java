package io.expertmesh.model.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class ChatTemplateTest {
  private static final LoadedTokenizer DEMO = TokenizerLoader.load(DemoTokenizer.FOLDER);

  static ChatTemplate template(LoadedTokenizer loaded) {
    return Objects.requireNonNull(loaded.chatTemplate(), "no chat template");
  }

  private static List<ChatMessage> messages(JsonNode array) {
    List<ChatMessage> messages = new ArrayList<>();
    array.forEach(message -> messages.add(new ChatMessage(message.path("role").stringValue(),
        message.path("content").stringValue())));
    return messages;
  }

  @Test
  void theDemoModelsChatsAreThoseOfTransformers() {
    JsonNode reference = DemoTokenizer.reference();
    assertThat(reference.path("templates").size()).isGreaterThan(5);
    for (JsonNode sample : reference.path("templates")) {
      assertThat(template(DEMO).render(messages(sample.path("messages")),
          sample.path("add_generation_prompt").booleanValue())).isEqualTo(sample.path("text").stringValue());
    }
    for (JsonNode chat : reference.path("chats")) {
      String prompt = template(DEMO).render(messages(chat.path("messages")), true);
      assertThat(prompt).isEqualTo(chat.path("prompt").stringValue());
      assertThat(DEMO.tokenizer().encode(prompt, false)).isEqualTo(DemoTokenizer.ints(chat.path("prompt_token_ids")));
    }
  }

  @Test
  void messagesAreTextAndNeverTemplates() {
    String content = "{{ 7 * 7 }}{% for i in range(9) %}x{% endfor %}{# c #}";
    assertThat(template(DEMO).render(List.of(new ChatMessage("user", content)), false))
        .isEqualTo("<|user|>\n" + content + "\n");
  }

  @Test
  void namesReachTheTemplateOnlyIfGiven() {
    ChatTemplate template = new ChatTemplate("{% for m in messages %}{{ m.name if 'name' in m else '-' }}{% endfor %}",
        Map.of(), "test");
    assertThat(template.render(List.of(new ChatMessage("user", "a", "Ada"), new ChatMessage("user", "b")), true))
        .isEqualTo("Ada-");
  }

  @Test
  void whatTheTemplateRaisesIsTheCallersFault() {
    ChatTemplate template = new ChatTemplate("{{ raise_exception('Roles must alternate!') }}", Map.of(), "test");
    assertThatThrownBy(() -> template.render(List.of(), true)).isInstanceOfSatisfying(FailureException.class, e -> {
      assertThat(e.category()).isEqualTo(FailureCategory.INVALID_REQUEST);
      assertThat(e.parameter()).isEqualTo("messages");
      assertThat(e).hasMessage("the model's chat template does not accept these messages: Roles must alternate!");
    });
  }

  @Test
  void aTemplateThatCannotBeReadFailsWhenItIsUsed() {
    ChatTemplate template = new ChatTemplate("{% if %}", Map.of(), "some/chat_template.jinja");
    assertThatThrownBy(() -> template.render(List.of(), true)).isInstanceOfSatisfying(FailureException.class, e -> {
      assertThat(e.category()).isEqualTo(FailureCategory.INVALID_CHECKPOINT);
      assertThat(e).hasMessageContaining("some/chat_template.jinja").hasMessageContaining("line 1");
    });
  }

  @Test
  void anEndlessTemplateIsTheCheckpointsFault() {
    ChatTemplate template = new ChatTemplate("{{ 'x' * 1000000000 }}", Map.of(), "test");
    assertThatThrownBy(() -> template.render(List.of(), true)).isInstanceOfSatisfying(FailureException.class,
        e -> assertThat(e.category()).isEqualTo(FailureCategory.INVALID_CHECKPOINT));
  }
}
