package io.expertmesh.model.tokenizer;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * How text is split before byte-level BPE, by the names that {@code tokenizer.ggml.pre} gives (llama.cpp,
 * {@code src/llama-vocab.cpp}).
 *
 * @param patterns each splits the pieces of the one before into matches and what is between them
 * @param nfc whether the models that use this name bring texts into Unicode's NFC first, which GGUF does not say
 * @param wholeWords whether a piece that is a token is taken whole, whatever the merges say
 * @param bos whether texts start with BOS if the file does not say
 */
record PreTokenizer(List<String> patterns, boolean nfc, boolean wholeWords, boolean bos) {
  private static final String GPT_2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
  private static final String QWEN_2 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
      + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String LLAMA_3 = QWEN_2.replace("|\\p{N}|", "|\\p{N}{1,3}|");
  private static final List<String> DEFAULT = List.of("[\\p{P}\\$\\+<=>\\^~\\|]+", GPT_2, "\\p{N}+", "[0-9][0-9][0-9]");

  private static final Map<String, PreTokenizer> BY_NAME = Stream.of(
      named(new PreTokenizer(DEFAULT, false, false, false), "default"),
      named(new PreTokenizer(List.of(GPT_2), false, false, false), "gpt-2", "phi-2", "mpt", "jais", "trillion"),
      named(new PreTokenizer(List.of(GPT_2), true, false, false), "olmo"),
      named(new PreTokenizer(List.of("\\p{N}", GPT_2), false, false, false), "smollm", "starcoder", "refact",
          "command-r", "codeshell", "exaone", "minerva-7b"),
      named(new PreTokenizer(List.of(LLAMA_3), false, false, false), "dbrx", "smaug-bpe"),
      named(new PreTokenizer(List.of(LLAMA_3), false, true, true), "llama-bpe", "llama3", "llama-v3"),
      named(new PreTokenizer(List.of(QWEN_2), true, false, false), "qwen2", "stablelm2", "deepseek-r1-qwen"))
      .flatMap(names -> names.entrySet().stream())
      .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, Map.Entry::getValue));

  private static Map<String, PreTokenizer> named(PreTokenizer preTokenizer, String... names) {
    return Stream.of(names).collect(Collectors.toMap(name -> name, name -> preTokenizer));
  }

  /** Null if the name is not known. */
  static @Nullable PreTokenizer named(String name) {
    return BY_NAME.get(name);
  }

  static List<String> names() {
    return BY_NAME.keySet().stream().sorted().toList();
  }

  void writeTo(ObjectNode definition) {
    if (nfc) {
      definition.putObject("normalizer").put("type", "NFC");
    }
    ArrayNode steps = definition.putObject("pre_tokenizer").put("type", "Sequence").putArray("pretokenizers");
    for (String pattern : patterns) {
      steps.addObject().put("type", "Split").put("behavior", "Isolated").put("invert", false).putObject("pattern")
          .put("Regex", pattern);
    }
    steps.addObject().put("type", "ByteLevel").put("add_prefix_space", false).put("trim_offsets", true)
        .put("use_regex", false);
  }
}
