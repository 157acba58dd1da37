package io.expertmesh.model.checkpoint;

import io.expertmesh.model.failure.IoReason;
import io.expertmesh.model.sentencepiece.SentencePieceFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * Writes a folder's tokenizer and chat template into GGUF metadata, as llama.cpp's converter does for BPE; {@code tokenizer.huggingface.json} (of GGUF's specification) carries the file itself, since
 * llama.cpp's keys lose some of it, such as the normalizer.
 */
final class GgufTokenizer {
  private static final int NORMAL = 1;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int UNUSED = 5;
  private static final int MAX_EMBEDDED = 1 << 24;

  private final Path folder;
  private final JsonNode tokenizer;
  private final JsonNode tokenizerConfig;
  private final JsonNode config;
  private final GgufWriter writer;

  private GgufTokenizer(Path folder, JsonNode tokenizer, JsonNode config, GgufWriter writer) {
    this.folder = folder;
    this.tokenizer = tokenizer;
    Path file = folder.resolve("tokenizer_config.json");
    this.tokenizerConfig = Files.exists(file) ? JsonFile.read(file) : JsonNodeFactory.instance.objectNode();
    this.config = config;
    this.writer = writer;
  }

  /**
   * Puts the tokenizer's keys.
   *
   * @param vocabulary rows of the embedding; ids that the tokenizer lacks are padded
   * @return false if the folder has neither {@code tokenizer.json} nor {@code tokenizer.model}
   */
  static boolean write(Path folder, JsonNode config, int vocabulary, GgufWriter writer) {
    Path file = folder.resolve("tokenizer.json");
    Path pieces = folder.resolve("tokenizer.model");
    if (!Files.exists(file)) {
      if (!Files.exists(pieces)) {
        return false;
      }
      GgufTokenizer gguf = new GgufTokenizer(folder, JsonNodeFactory.instance.objectNode(), config, writer);
      GgufPieces.of(pieces, SentencePieceFile.read(pieces), gguf.tokenizerConfig).write(vocabulary, writer);
      gguf.specials(gguf.tokenizerConfig.path("add_bos_token").asBoolean(true));
      return true;
    }
    JsonNode tokenizer = JsonFile.read(file);
    String type = tokenizer.path("model").path("type").asString("none");
    if (!type.equals("BPE")) {
      throw InvalidCheckpoint.in(file, "is of type %s; only BPE can be written to GGUF".formatted(type));
    }
    GgufTokenizer gguf = new GgufTokenizer(folder, tokenizer, config, writer);
    if (tokenizer.path("model").path("byte_fallback").asBoolean(false)) {
      GgufPieces.of(file, tokenizer).write(vocabulary, writer);
    } else {
      gguf.vocabulary(file, vocabulary);
    }
    gguf.specials(tokenizer.path("post_processor").path("single").path(0).has("SpecialToken"));
    gguf.embed(file);
    return true;
  }

  private void vocabulary(Path file, int size) {
    @Nullable
    String[] tokens = new @Nullable String[size];
    int[] types = new int[size];
    Arrays.fill(types, UNUSED);
    for (Map.Entry<String, JsonNode> entry : tokenizer.path("model").path("vocab").properties()) {
      set(file, tokens, types, entry.getKey(), entry.getValue().asInt(-1), NORMAL);
    }
    for (JsonNode added : tokenizer.path("added_tokens")) {
      String content = added.path("content").asString("");
      boolean control = added.path("special").asBoolean(false) || (content.startsWith("<|") && content.endsWith("|>"));
      set(file, tokens, types, content, added.path("id").asInt(-1), control ? CONTROL : USER_DEFINED);
    }
    List<String> names = new ArrayList<>(size);
    for (int id = 0; id < size; id++) {
      String token = tokens[id];
      names.add(token == null ? "[PAD%d]".formatted(id) : token);
    }
    writer.text("tokenizer.ggml.model", "gpt2");
    writer.text("tokenizer.ggml.pre", preTokenizer(file));
    writer.texts("tokenizer.ggml.tokens", names);
    writer.i32s("tokenizer.ggml.token_type", types);
    writer.texts("tokenizer.ggml.merges", merges(file));
  }

  private static void set(Path file, @Nullable String[] tokens, int[] types, String token, int id, int type) {
    if (id < 0 || id >= tokens.length) {
      throw InvalidCheckpoint.in(file, "has token %s with id %d; the model has %d".formatted(token, id, tokens.length));
    }
    tokens[id] = token;
    types[id] = type;
  }

  private List<String> merges(Path file) {
    List<String> merges = new ArrayList<>();
    for (JsonNode merge : tokenizer.path("model").path("merges")) {
      if (merge.isString()) {
        merges.add(merge.stringValue());
      } else if (merge.isArray() && merge.size() == 2) {
        merges.add(merge.path(0).asString("") + " " + merge.path(1).asString(""));
      } else {
        throw InvalidCheckpoint.in(file, "has the merge %s; a pair is expected".formatted(merge));
      }
    }
    return merges;
  }

  /** llama.cpp's name for how text is split before BPE ({@code llm_tokenizer_bpe} in its src/llama-vocab.cpp). */
  private String preTokenizer(Path file) {
    String name = PreTokenizer.nameOf(tokenizer);
    if (name == null) {
      throw InvalidCheckpoint.in(file,
          "has a pre_tokenizer that llama.cpp has no name for: " + tokenizer.path("pre_tokenizer"));
    }
    return name.equals("gpt-2") && config.path("model_type").asString("").startsWith("olmo") ? "olmo" : name;
  }

  private void specials(boolean begins) {
    writer.flag("tokenizer.ggml.add_bos_token", begins);
    writer.flag("tokenizer.ggml.add_eos_token", false);
    special("tokenizer.ggml.bos_token_id", "bos_token");
    special("tokenizer.ggml.eos_token_id", "eos_token");
    special("tokenizer.ggml.unknown_token_id", "unk_token");
    special("tokenizer.ggml.padding_token_id", "pad_token");
    String template = chatTemplate();
    if (template != null) {
      writer.text("tokenizer.chat_template", template);
    }
  }

  private void special(String key, String name) {
    JsonNode id = config.path(name + "_id");
    if (id.isArray()) {
      id = id.path(0);
    }
    if (id.isIntegralNumber() && id.asLong(-1) >= 0) {
      writer.u32(key, id.asLong());
      return;
    }
    JsonNode token = tokenizerConfig.path(name);
    String content = token.isObject() ? token.path("content").asString("") : token.asString("");
    for (JsonNode added : tokenizer.path("added_tokens")) {
      if (!content.isEmpty() && added.path("content").asString("").equals(content)) {
        writer.u32(key, added.path("id").asLong(0));
        return;
      }
    }
  }

  private @Nullable String chatTemplate() {
    Path file = folder.resolve("chat_template.jinja");
    if (Files.exists(file)) {
      return text(file);
    }
    JsonNode template = tokenizerConfig.path("chat_template");
    if (template.isArray()) {
      for (JsonNode named : template) {
        if (named.path("name").asString("").equals("default")) {
          return named.path("template").asString("");
        }
      }
      return null;
    }
    return template.isString() ? template.stringValue() : null;
  }

  private void embed(Path file) {
    String json = text(file);
    if (json.length() <= MAX_EMBEDDED / 4) {
      writer.text("tokenizer.huggingface.json", json);
    }
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw InvalidCheckpoint.in(file, "cannot be read (" + IoReason.of(e) + ")", e);
    }
  }
}
