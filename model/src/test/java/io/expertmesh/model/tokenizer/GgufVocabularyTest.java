package io.expertmesh.model.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.model.checkpoint.GgufFiles;
import io.expertmesh.model.checkpoint.GgufMetadata;
import io.expertmesh.model.checkpoint.GgufValue;
import io.expertmesh.model.checkpoint.PreTokenizer;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The demo model converted to GGUF has the tokenizer and the chat template that its folder has. */
class GgufVocabularyTest {
  @TempDir
  static Path folder;
  private static GgufMetadata demo;

  @BeforeAll
  static void convertDemo() {
    demo = GgufFiles.demo(folder);
  }

  private static LoadedTokenizer without(String... keys) {
    Map<String, GgufValue> values = new LinkedHashMap<>(demo.values());
    List.of(keys).forEach(values::remove);
    return new GgufVocabulary(GgufFiles.metadata(demo.file(), values)).load();
  }

  private static void assertEncodesLikeTheFolder(Tokenizer tokenizer, boolean normalized) {
    int compared = 0;
    for (JsonNode sample : DemoTokenizer.reference().path("texts")) {
      String text = sample.path("text").stringValue();
      if (normalized || java.text.Normalizer.isNormalized(text, java.text.Normalizer.Form.NFC)) {
        assertThat(tokenizer.encode(text, true)).as(text).isEqualTo(DemoTokenizer.ints(sample.path("ids")));
        compared++;
      }
    }
    assertThat(compared).isGreaterThan(20);
  }

  @Test
  void theFileThatCarriesTheOriginalGivesTheSameIds() {
    LoadedTokenizer loaded = TokenizerLoader.load(demo.file());
    assertEncodesLikeTheFolder(loaded.tokenizer(), true);
    ChatTemplate template = ChatTemplateTest.template(loaded);
    for (JsonNode sample : DemoTokenizer.reference().path("chats")) {
      String question = sample.path("messages").path(0).path("content").stringValue();
      assertThat(template.render(List.of(new ChatMessage("user", question)), true))
          .isEqualTo(sample.path("prompt").stringValue());
    }
  }

  @Test
  void theKeysOfLlamaCppGiveTheSameIdsForNormalizedText() {
    Tokenizer tokenizer = without("tokenizer.huggingface.json").tokenizer();
    assertEncodesLikeTheFolder(tokenizer, false);
    for (JsonNode sample : DemoTokenizer.reference().path("token_ids")) {
      assertThat(tokenizer.decode(DemoTokenizer.ints(sample.path("ids")), false))
          .isEqualTo(sample.path("decoded").stringValue());
      assertThat(tokenizer.decode(DemoTokenizer.ints(sample.path("ids")), true))
          .isEqualTo(sample.path("decoded_without_special_tokens").stringValue());
    }
  }

  @Test
  void everyKnownRuleKeepsTheWholeText() {
    for (String name : PreTokenizer.names()) {
      Map<String, GgufValue> values = new LinkedHashMap<>(demo.values());
      values.remove("tokenizer.huggingface.json");
      values.put("tokenizer.ggml.pre", new GgufValue.Text(name));
      Tokenizer tokenizer = new GgufVocabulary(GgufFiles.metadata(demo.file(), values)).load().tokenizer();
      String text = "It's 12345 o'clock,  \n\n $9.99 <= caf\u00e9 \u4e2d\u6587 \uD83D\uDE80\t!!\r\n  ";
      assertThat(tokenizer.decode(tokenizer.encode(text, false), false)).as(name).isEqualTo(text);
    }
  }

  @Test
  void beginningAndEndAreAddedIfTheFileSaysSo() {
    Map<String, GgufValue> values = new LinkedHashMap<>(demo.values());
    values.remove("tokenizer.huggingface.json");
    values.put("tokenizer.ggml.bos_token_id", new GgufValue.Int(2));
    values.put("tokenizer.ggml.add_bos_token", new GgufValue.Flag(true));
    values.put("tokenizer.ggml.add_eos_token", new GgufValue.Flag(true));
    Tokenizer tokenizer = new GgufVocabulary(GgufFiles.metadata(demo.file(), values)).load().tokenizer();
    assertThat(tokenizer.encode("he", true)).startsWith(2).endsWith(0).hasSize(3);
    assertThat(tokenizer.encode("he", false)).hasSize(1);
  }

  @Test
  void otherKindsOfTokenizersAreRefusedByName() {
    assertRefused("tokenizer.ggml.model", "bert", "'bert'");
    assertRefused("tokenizer.ggml.model", "llama", "0 scores");
    assertRefused("tokenizer.ggml.model", "none", "has no tokenizer");
    assertRefused("tokenizer.ggml.pre", "kimi-k2", "'kimi-k2'");
  }

  private static void assertRefused(String key, String value, String message) {
    Map<String, GgufValue> values = new LinkedHashMap<>(demo.values());
    values.remove("tokenizer.huggingface.json");
    values.put(key, new GgufValue.Text(value));
    GgufVocabulary vocabulary = new GgufVocabulary(GgufFiles.metadata(demo.file(), values));
    assertThatThrownBy(vocabulary::load).isInstanceOfSatisfying(FailureException.class,
        e -> assertThat(e.category()).isEqualTo(FailureCategory.INVALID_CHECKPOINT)).hasMessageContaining(message)
        .hasMessageContaining(demo.file().toString());
  }
}
