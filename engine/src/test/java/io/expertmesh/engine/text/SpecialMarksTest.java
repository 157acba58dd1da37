package io.expertmesh.engine.text;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.toolcall.ToolCallFormat;
import io.expertmesh.model.tokenizer.JsonTokenizer;
import io.expertmesh.model.tokenizer.StreamingDetokenizer;
import io.expertmesh.model.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Marks of tool calls that are special tokens, as {@code [TOOL_CALLS]} is in Mistral's vocabularies. */
class SpecialMarksTest {
  private static final String MARK = "[TOOL_CALLS]";
  private static final ToolCallFormat MISTRAL = Objects.requireNonNull(ToolCallFormat.of("'[TOOL_CALLS] ['"));

  /** The demo model's tokenizer with one more token. */
  private static Tokenizer tokenizer(boolean special) {
    Path file = Path.of("..", "models", "demo", "tokenizer.json");
    ObjectNode definition = (ObjectNode) JsonMapper.shared().readTree(file.toFile());
    ((ArrayNode) definition.get("added_tokens")).addObject().put("id", 1024).put("content", MARK)
        .put("single_word", false).put("lstrip", false).put("rstrip", false).put("normalized", false)
        .put("special", special);
    return new JsonTokenizer(definition, 0, file.toString());
  }

  private static String streamed(Tokenizer tokenizer, String text, Map<Integer, String> marks) {
    StreamingDetokenizer detokenizer = new MarkedDetokenizer(tokenizer.streaming(true), marks);
    StringBuilder shown = new StringBuilder();
    for (int id : tokenizer.encode(text, false)) {
      shown.append(detokenizer.next(id));
    }
    return shown.append(detokenizer.flush()).toString();
  }

  @Test
  void areShownWhileOtherSpecialTokensAreNot() {
    Tokenizer tokenizer = tokenizer(true);
    Map<Integer, String> marks = MISTRAL.specialMarks(tokenizer);
    assertThat(marks).containsExactly(Map.entry(1024, MARK));
    assertThat(tokenizer.decode(tokenizer.encode(MARK, false), true)).isEmpty();
    String calls = MARK + " [{\"name\": \"é😀\", \"arguments\": {}}]";
    assertThat(streamed(tokenizer, "<|user|>a" + calls, marks)).isEqualTo("a" + calls);
  }

  @Test
  void tokensThatAreTextNeedNothing() {
    Tokenizer tokenizer = tokenizer(false);
    assertThat(MISTRAL.specialMarks(tokenizer)).isEmpty();
    assertThat(streamed(tokenizer, "a" + MARK + "b", Map.of())).isEqualTo("a" + MARK + "b");
  }
}
