package io.expertmesh.model.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A tokenizer for models with random weights: every byte is a token, the rest of the vocabulary is made-up words
 * ({@code " w300"}), and the model's end and padding ids are special.
 */
final class SynthTokenizer {
  private static final JsonMapper MAPPER = JsonMapper.shared();
  private static final String TEMPLATE = "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}\n{% endfor %}"
      + "{% if add_generation_prompt %}<|assistant|>\n{% endif %}";

  private static final List<String> LANGUAGES = List.of("eng_Latn", "fra_Latn", "deu_Latn");

  private SynthTokenizer() {}

  /** Writes {@code tokenizer.json} and {@code tokenizer_config.json} for the model of {@code config}. */
  static void write(Path folder, JsonNode config) throws IOException {
    int size = config.path("vocab_size").asInt(0);
    SortedMap<Integer, String> specials = specials(config, size);
    ObjectNode root = MAPPER.createObjectNode().put("version", "1.0").putNull("truncation").putNull("padding");
    ArrayNode added = root.putArray("added_tokens");
    specials.forEach((id, content) -> special(added, id, content));
    root.putNull("normalizer");
    root.set("pre_tokenizer", byteLevel());
    root.putNull("post_processor");
    root.set("decoder", byteLevel());
    ObjectNode model = root.putObject("model").put("type", "BPE").putNull("dropout").putNull("unk_token");
    ObjectNode vocabulary = model.putObject("vocab");
    List<String> tokens = tokens(size);
    int next = 0;
    for (int id = 0; id < size; id++) {
      String special = specials.get(id);
      vocabulary.put(special == null ? tokens.get(next++) : special, id);
    }
    model.putArray("merges").addArray().add("Ġ").add("t");
    Files.writeString(folder.resolve("tokenizer.json"), MAPPER.writeValueAsString(root));
    int end = end(config);
    ObjectNode tokenizerConfig = MAPPER.createObjectNode().put("tokenizer_class", "PreTrainedTokenizerFast")
        .put("eos_token", specials.get(end)).put("pad_token", specials.get(config.path("pad_token_id").asInt(end)))
        .put("clean_up_tokenization_spaces", false);
    if (config.path("is_encoder_decoder").asBoolean(false)) {
      tokenizerConfig.put("add_eos_token", true); // as T5's tokenizer does
    } else {
      tokenizerConfig.put("chat_template", TEMPLATE);
    }
    Files.writeString(folder.resolve("tokenizer_config.json"), MAPPER.writeValueAsString(tokenizerConfig));
  }

  /** The first of those that end an answer. */
  private static int end(JsonNode config) {
    JsonNode end = config.path("eos_token_id");
    return (end.isArray() ? end.path(0) : end).asInt(0);
  }

  /** The tokens that a family's texts are framed with, by id. */
  private static SortedMap<Integer, String> specials(JsonNode config, int size) {
    SortedMap<Integer, String> specials = new TreeMap<>();
    int end = end(config);
    boolean pieces = config.path("is_encoder_decoder").asBoolean(false) || config.has("moe_layer_interval");
    specials.put(config.path("pad_token_id").asInt(end), pieces ? "<pad>" : "<|padding|>");
    specials.put(end, pieces ? "</s>" : "<|endoftext|>");
    if (config.path("model_type").asString("").equals("nllb-moe")) {
      specials.put(config.path("bos_token_id").asInt(0), "<s>");
      LANGUAGES.forEach(language -> specials.put(size - specials.size(), language));
    }
    return specials;
  }

  private static void special(ArrayNode added, int id, String content) {
    added.addObject().put("id", id).put("content", content).put("single_word", false).put("lstrip", false)
        .put("rstrip", false).put("normalized", false).put("special", true);
  }

  private static ObjectNode byteLevel() {
    return MAPPER.createObjectNode().put("type", "ByteLevel").put("add_prefix_space", false).put("trim_offsets", true)
        .put("use_regex", true);
  }

  /** The 256 byte tokens in GPT-2's alphabet, one merge, then words. */
  private static List<String> tokens(int size) {
    List<String> tokens = new ArrayList<>(size);
    int shifted = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      tokens.add(Character.toString(printable ? b : shifted++));
    }
    tokens.add("Ġt");
    for (int i = tokens.size(); i < size; i++) {
      tokens.add("Ġw" + i);
    }
    return tokens;
  }
}
