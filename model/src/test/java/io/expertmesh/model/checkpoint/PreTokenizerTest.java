package io.expertmesh.model.checkpoint;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class PreTokenizerTest {
  @ParameterizedTest
  @ValueSource(
      strings = {"gpt-2", "olmo", "smollm", "dbrx", "llama-bpe", "qwen2", "qwen35", "gpt-4o", "tekken",
          "deepseek-llm", "deepseek-coder", "deepseek-v3"})
  void findsTheNameOfWhatItWrote(String name) {
    PreTokenizer preTokenizer = requireNonNull(PreTokenizer.named(name));
    ObjectNode definition = JsonMapper.shared().createObjectNode();
    preTokenizer.writeTo(definition);
    definition.putObject("model").put("ignore_merges", preTokenizer.wholeWords());
    assertThat(PreTokenizer.nameOf(definition)).isEqualTo(name);
  }

  /** As the releases' files have them: Qwen2, gpt-oss, DeepSeek-V3. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      value = {
          "qwen2; NFC; false; (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
          "gpt-4o; none; false; [^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"})
  void knowsTheReleases(String name, String normalizer, boolean ignoreMerges, String pattern) {
    ObjectNode tokenizer = JsonMapper.shared().createObjectNode();
    tokenizer.putObject("normalizer").put("type", normalizer);
    tokenizer.putObject("model").put("ignore_merges", ignoreMerges);
    var steps = tokenizer.putObject("pre_tokenizer").put("type", "Sequence").putArray("pretokenizers");
    steps.addObject().put("type", "Split").put("behavior", "Isolated").putObject("pattern").put("Regex", pattern);
    steps.addObject().put("type", "ByteLevel").put("add_prefix_space", false).put("use_regex", false);
    assertThat(PreTokenizer.nameOf(tokenizer)).isEqualTo(name);
  }

  @Test
  void takesSingleDigitsForDeepSeeksRunsOfThemAndLettersForTheirNumbers() {
    ObjectNode definition = JsonMapper.shared().createObjectNode();
    requireNonNull(PreTokenizer.named("deepseek-llm")).writeTo(definition);
    String literal = definition.toString().replace("\\\\x{B5}\\\\x{C0}-\\\\x{D6}", "µÀ-Ö");
    assertThat(literal).contains("A-Za-zµÀ-Ö");
    ObjectNode released = (ObjectNode) JsonMapper.shared().readTree(literal);
    var steps = released.withObject("pre_tokenizer").withArray("pretokenizers");
    steps.set(steps.size() - 2, JsonMapper.shared().createObjectNode().put("type", "Digits")
        .put("individual_digits", true));
    assertThat(PreTokenizer.nameOf(released)).isEqualTo("deepseek-llm");
  }

  @Test
  void hasNoNameForOtherWays() {
    JsonNode words = JsonMapper.shared().readTree("{\"pre_tokenizer\": {\"type\": \"Whitespace\"}}");
    assertThat(PreTokenizer.nameOf(words)).isNull();
    JsonNode prefixed = JsonMapper.shared()
        .readTree("{\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": true}}");
    assertThat(PreTokenizer.nameOf(prefixed)).isNull();
  }
}
