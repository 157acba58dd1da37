package io.expertmesh.model.checkpoint;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
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
public record PreTokenizer(List<String> patterns, boolean nfc, boolean wholeWords, boolean bos) {
  private static final String GPT_2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
  private static final String QWEN_2 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
      + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String LLAMA_3 = QWEN_2.replace("|\\p{N}|", "|\\p{N}{1,3}|");
  private static final List<String> DEFAULT = List.of("[\\p{P}\\$\\+<=>\\^~\\|]+", GPT_2, "\\p{N}+", "[0-9][0-9][0-9]");

  private static final String QWEN_3_5 = QWEN_2.replace("]?\\p{L}+|", "]?[\\p{L}\\p{M}]+|")
      .replace("[^\\s\\p{L}\\p{N}]+[", "[^\\s\\p{L}\\p{M}\\p{N}]+[");
  private static final String UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
  /** A word in which upper case comes first, twice: with lower case after it, and without. */
  private static final String CASED = "[^\\r\\n\\p{L}\\p{N}]?" + UPPER + "*" + LOWER + "+%1$s|[^\\r\\n\\p{L}\\p{N}]?"
      + UPPER
      + "+" + LOWER + "*%1$s|%2$s| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String GPT_4O = CASED.formatted("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", "\\p{N}{1,3}");
  private static final String TEKKEN = CASED.formatted("", "\\p{N}");
  private static final List<String> DEEPSEEK_3 = List.of("\\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+",
      "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|"
          + " ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+");
  private static final String DEEPSEEK_LETTERS = "A-Za-z\\x{B5}\\x{C0}-\\x{D6}\\x{D8}-\\x{F6}\\x{F8}-\\x{1BA}\\x{1BC}-\\x{1BF}\\x{1C4}-\\x{293}"
      + "\\x{295}-\\x{2AF}\\x{370}-\\x{373}\\x{376}\\x{377}\\x{37B}-\\x{37D}\\x{37F}\\x{386}\\x{388}-\\x{38A}"
      + "\\x{38C}\\x{38E}-\\x{3A1}\\x{3A3}-\\x{3F5}\\x{3F7}-\\x{481}\\x{48A}-\\x{52F}\\x{531}-\\x{556}"
      + "\\x{10A0}-\\x{10C5}\\x{13A0}-\\x{13F5}\\x{13F8}-\\x{13FD}\\x{1C90}-\\x{1CBA}\\x{1CBD}-\\x{1CBF}"
      + "\\x{1D00}-\\x{1D2B}\\x{1D6B}-\\x{1D77}\\x{1D79}-\\x{1D9A}\\x{1E00}-\\x{1F15}\\x{1F18}-\\x{1F1D}"
      + "\\x{1F20}-\\x{1F45}\\x{1F48}-\\x{1F4D}\\x{1F50}-\\x{1F57}\\x{1F59}\\x{1F5B}\\x{1F5D}\\x{1F5F}-\\x{1F7D}"
      + "\\x{1F80}-\\x{1FB4}\\x{1FB6}-\\x{1FBC}\\x{1FBE}\\x{1FC2}-\\x{1FC4}\\x{1FC6}-\\x{1FCC}\\x{1FD0}-\\x{1FD3}"
      + "\\x{1FD6}-\\x{1FDB}\\x{1FE0}-\\x{1FEC}\\x{1FF2}-\\x{1FF4}\\x{1FF6}-\\x{1FFC}\\x{2102}\\x{2107}"
      + "\\x{210A}-\\x{2113}\\x{2115}\\x{2119}-\\x{211D}\\x{2124}\\x{2126}\\x{2128}\\x{212A}-\\x{212D}"
      + "\\x{212F}-\\x{2134}\\x{2139}\\x{213C}-\\x{213F}\\x{2145}-\\x{2149}\\x{214E}\\x{2183}\\x{2184}"
      + "\\x{2C00}-\\x{2C7B}\\x{2C7E}-\\x{2CE4}\\x{2CEB}-\\x{2CEE}\\x{2CF2}\\x{2CF3}\\x{A640}-\\x{A66D}"
      + "\\x{A680}-\\x{A69B}\\x{A722}-\\x{A76F}\\x{A771}-\\x{A787}\\x{A78B}-\\x{A78E}\\x{AB70}-\\x{ABBF}"
      + "\\x{FB00}-\\x{FB06}\\x{FB13}-\\x{FB17}\\x{FF21}-\\x{FF3A}\\x{FF41}-\\x{FF5A}\\x{10400}-\\x{1044F}"
      + "\\x{104B0}-\\x{104D3}\\x{104D8}-\\x{104FB}\\x{10C80}-\\x{10CB2}\\x{10CC0}-\\x{10CF2}"
      + "\\x{118A0}-\\x{118DF}\\x{1E900}-\\x{1E943}";
  private static final List<String> DEEPSEEK_1 = List.of("[\r\n]", "\\s?[" + DEEPSEEK_LETTERS + "]+",
      "\\s?[!-/:-~！-／：-～‘-‟　-。]+", "\\s+$", "[一-龥ࠀ-一가-퟿]+", "\\p{N}+");
  private static final List<String> DEEPSEEK_CODER = List.of("[\r\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", "[一-龥ࠀ-一가-퟿]+",
      "\\p{N}");

  private static final Map<String, PreTokenizer> BY_NAME = Stream.of(
      named(new PreTokenizer(DEFAULT, false, false, false), "default"),
      named(new PreTokenizer(List.of(GPT_2), false, false, false), "gpt-2", "phi-2", "mpt", "jais", "trillion",
          "granite-docling", "exaone4"),
      named(new PreTokenizer(List.of(GPT_2), true, false, false), "olmo"),
      named(new PreTokenizer(List.of("\\p{N}", GPT_2), false, false, false), "smollm", "starcoder", "refact",
          "command-r", "codeshell", "exaone", "minerva-7b"),
      named(new PreTokenizer(List.of(LLAMA_3), false, false, false), "dbrx", "smaug-bpe", "glm4",
          "chatglm-bpe"),
      named(new PreTokenizer(List.of(LLAMA_3), false, true, true), "llama-bpe", "llama3", "llama-v3"),
      named(new PreTokenizer(List.of(QWEN_2), true, false, false), "qwen2", "stablelm2", "deepseek-r1-qwen",
          "megrez"),
      named(new PreTokenizer(List.of(QWEN_3_5), true, false, false), "qwen35"),
      named(new PreTokenizer(List.of(GPT_4O), false, false, false), "gpt-4o", "llama4"),
      named(new PreTokenizer(List.of(TEKKEN), false, true, true), "tekken"),
      named(new PreTokenizer(DEEPSEEK_1, false, false, false), "deepseek-llm"),
      named(new PreTokenizer(DEEPSEEK_CODER, false, false, false), "deepseek-coder"),
      named(new PreTokenizer(DEEPSEEK_3, false, false, false), "deepseek-v3"))
      .flatMap(names -> names.entrySet().stream())
      .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, Map.Entry::getValue));

  private static final String DIGITS = "\\p{N}+";
  private static final Pattern NUMBERED = Pattern.compile("\\\\x\\{([0-9A-F]+)\\}");
  /** Of names for the same, the one that is written. */
  private static final List<String> PREFERRED = List.of("gpt-2", "olmo", "smollm", "dbrx", "llama-bpe", "qwen2",
      "qwen35", "gpt-4o", "tekken", "deepseek-llm", "deepseek-coder", "deepseek-v3");

  private static Map<String, PreTokenizer> named(PreTokenizer preTokenizer, String... names) {
    return Stream.of(names).collect(Collectors.toMap(name -> name, name -> preTokenizer));
  }

  /** Null if the name is not known. */
  public static @Nullable PreTokenizer named(String name) {
    return BY_NAME.get(name);
  }

  /** All names that are known. */
  public static List<String> names() {
    return BY_NAME.keySet().stream().sorted().toList();
  }

  /** The name of how {@code tokenizer} ({@code tokenizer.json}) splits text; null if there is none. */
  static @Nullable String nameOf(JsonNode tokenizer) {
    List<String> split = patternsOf(tokenizer.path("pre_tokenizer"));
    if (split == null) {
      return null;
    }
    boolean nfc = tokenizer.path("normalizer").path("type").asString("").equals("NFC");
    boolean wholeWords = tokenizer.path("model").path("ignore_merges").asBoolean(false);
    String best = null;
    int most = -1;
    for (String name : PREFERRED) {
      PreTokenizer known = Objects.requireNonNull(BY_NAME.get(name));
      int agrees = (known.wholeWords == wholeWords ? 2 : 0) + (known.nfc == nfc ? 1 : 0);
      if (agrees > most && known.splitsLike(split)) {
        best = name;
        most = agrees;
      }
    }
    return best;
  }

  /** Null if a step is not one that these patterns can say. */
  private static @Nullable List<String> patternsOf(JsonNode preTokenizer) {
    List<JsonNode> steps = new ArrayList<>();
    if (preTokenizer.path("type").asString("").equals("Sequence")) {
      preTokenizer.path("pretokenizers").forEach(steps::add);
    } else {
      steps.add(preTokenizer);
    }
    List<String> split = new ArrayList<>();
    for (int i = 0; i < steps.size(); i++) {
      JsonNode step = steps.get(i);
      switch (step.path("type").asString("")) {
        case "Split" -> split.add(step.path("pattern").path("Regex").asString(""));
        case "Digits" -> split.add(step.path("individual_digits").asBoolean(false) ? "\\p{N}" : DIGITS);
        case "ByteLevel" -> {
          if (i < steps.size() - 1 || step.path("add_prefix_space").asBoolean(false)) {
            return null;
          }
          if (step.path("use_regex").asBoolean(true)) {
            split.add(GPT_2);
          }
          return split;
        }
        default -> {
          return null;
        }
      }
    }
    return null;
  }

  /** Whether the patterns are the same; llama.cpp takes DeepSeek's single digits for runs of them. */
  private boolean splitsLike(List<String> other) {
    if (patterns.size() != other.size()) {
      return false;
    }
    for (int i = 0; i < patterns.size(); i++) {
      String mine = literal(patterns.get(i));
      boolean digits = mine.equals(DIGITS) && other.get(i).equals("\\p{N}");
      if (!digits && !mine.equals(literal(other.get(i)))) {
        return false;
      }
    }
    return true;
  }

  /** With characters in the place of their numbers. */
  private static String literal(String pattern) {
    return NUMBERED.matcher(pattern)
        .replaceAll(match -> Matcher.quoteReplacement(Character.toString(Integer.parseInt(match.group(1), 16))));
  }

  /** Puts the normalizer and the splitting into a {@code tokenizer.json}. */
  public void writeTo(ObjectNode definition) {
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
