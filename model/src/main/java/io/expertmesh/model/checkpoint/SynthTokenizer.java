package io.expertmesh.model.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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

  private SynthTokenizer() {}

  /** Writes {@code tokenizer.json} and {@code tokenizer_config.json} for the model of {@code config}. */
  static void write(Path folder, JsonNode config) throws IOException {
    int size = config.path("vocab_size").asInt(0);
    int end = config.path("eos_token_id").asInt(0);
    int padding = config.path("pad_token_id").asInt(end);
    ObjectNode root = MAPPER.createObjectNode().put("version", "1.0").putNull("truncation").putNull("padding");
    ArrayNode added = root.putArray("added_tokens");
    special(added, Math.min(end, padding), padding < end ? "<|padding|>" : "<|endoftext|>");
    if (padding != end) {
      special(added, Math.max(end, padding), padding < end ? "<|endoftext|>" : "<|padding|>");
    }
    root.putNull("normalizer");
    root.set("pre_tokenizer", byteLevel());
    root.putNull("post_processor");
    root.set("decoder", byteLevel());
    ObjectNode model = root.putObject("model").put("type", "BPE").putNull("dropout").putNull("unk_token");
    ObjectNode vocabulary = model.putObject("vocab");
    List<String> tokens = tokens(size);
    int next = 0;
    for (int id = 0; id < size; id++) {
      vocabulary.put(id == end ? "<|endoftext|>" : id == padding ? "<|padding|>" : tokens.get(next++), id);
    }
    model.putArray("merges").addArray().add("Ġ").add("t");
    Files.writeString(folder.resolve("tokenizer.json"), MAPPER.writeValueAsString(root));
    ObjectNode tokenizerConfig = MAPPER.createObjectNode().put("tokenizer_class", "PreTrainedTokenizerFast")
        .put("eos_token", "<|endoftext|>").put("pad_token", padding == end ? "<|endoftext|>" : "<|padding|>")
        .put("clean_up_tokenization_spaces", false).put("chat_template", TEMPLATE);
    Files.writeString(folder.resolve("tokenizer_config.json"), MAPPER.writeValueAsString(tokenizerConfig));
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
