package io.expertmesh.model.tokenizer;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.failure.IoReason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The tokenizer's files in a Hugging Face folder. {@code tokenizer.json} rules, then a SentencePiece model; the others
 * name special tokens.
 */
final class TokenizerFolder {
  private static final List<String> SENTENCE_PIECE = List.of("tokenizer.model", "spiece.model",
      "sentencepiece.bpe.model");

  private final Path folder;
  private final JsonNode modelConfig;
  private final ObjectNode config;
  private final TextFamily family;
  private final Map<String, String> specialTokens;

  /** @param modelConfig {@code config.json}, empty if there is none */
  TokenizerFolder(Path folder, JsonNode modelConfig) {
    this.folder = folder;
    this.modelConfig = modelConfig;
    this.config = optional("tokenizer_config.json");
    this.family = TextFamily.of(modelConfig, config);
    this.specialTokens = specialTokens(optional("special_tokens_map.json"), config);
  }

  LoadedTokenizer load() {
    Tokenizer tokenizer = tokenizer();
    return new LoadedTokenizer(tokenizer, chatTemplate(),
        TranslationLanguages.of(tokenizer, config.path("legacy_behaviour").asBoolean(false)));
  }

  private Tokenizer tokenizer() {
    Path file = folder.resolve("tokenizer.json");
    if (Files.isRegularFile(file)) {
      ObjectNode definition = Json.readObject(file);
      addSpecialTokens(definition);
      frame(definition);
      return new JsonTokenizer(definition, modelConfig.path("vocab_size").asInt(0), file.toString());
    }
    for (String name : SENTENCE_PIECE) {
      Path model = folder.resolve(name);
      if (Files.isRegularFile(model)) {
        SentencePieceFolder pieces = new SentencePieceFolder(model, config, modelConfig, specialTokens);
        pieces.roles().forEach(specialTokens::putIfAbsent);
        return pieces.tokenizer();
      }
    }
    throw missing();
  }

  private FailureException missing() {
    String problem = "%s has no tokenizer: looked for tokenizer.json, %s. ".formatted(folder,
        String.join(", ", SENTENCE_PIECE));
    for (String other : new String[]{"vocab.json", "tekken.json", "qwen.tiktoken"}) {
      if (Files.exists(folder.resolve(other))) {
        return new FailureException(FailureCategory.INVALID_CHECKPOINT,
            (problem + "It has %2$s; make a tokenizer.json of it with: python -c \"from transformers import "
                + "AutoTokenizer; AutoTokenizer.from_pretrained('%1$s').save_pretrained('%1$s')\"")
                .formatted(folder, other));
      }
    }
    return new FailureException(FailureCategory.INVALID_CHECKPOINT,
        problem + "Copy the tokenizer's files from where the model is from");
  }

  private ObjectNode optional(String name) {
    Path file = folder.resolve(name);
    return Files.isRegularFile(file) ? Json.readObject(file) : Json.MAPPER.createObjectNode();
  }

  private static Map<String, String> specialTokens(ObjectNode map, ObjectNode config) {
    Map<String, String> tokens = new LinkedHashMap<>();
    for (ObjectNode source : new ObjectNode[]{map, config}) {
      for (Map.Entry<String, JsonNode> entry : source.properties()) {
        String token = AddedTokens.content(entry.getValue());
        if (entry.getKey().endsWith("_token") && !token.isEmpty()) {
          tokens.put(entry.getKey(), token);
        }
      }
    }
    return tokens;
  }

  /** Tokens that only the configuration calls special: they must be found in texts and left out of answers too. */
  private void addSpecialTokens(ObjectNode definition) {
    Set<String> known = new HashSet<>();
    definition.path("added_tokens").forEach(added -> known.add(added.path("content").asString("")));
    JsonNode vocabulary = definition.path("model").path("vocab");
    for (JsonNode added : config.path("added_tokens_decoder")) {
      add(definition, vocabulary, known, added.path("content").asString(""), added.path("special").asBoolean(false));
    }
    specialTokens.values().forEach(token -> add(definition, vocabulary, known, token, true));
  }

  private static void add(ObjectNode definition, JsonNode vocabulary, Set<String> known, String token,
      boolean special) {
    JsonNode id = vocabulary.path(token);
    if (id.isInt() && known.add(token)) {
      AddedTokens.add(definition.withArray("added_tokens"), id.intValue(), token, special);
    }
  }

  /**
   * Where tokenizer.json says nothing of a prefix, {@code add_bos_token} and {@code add_eos_token} do. Families for
   * which other programs than the tokenizer's decide are framed as these do it.
   */
  private void frame(ObjectNode definition) {
    switch (family) {
      case OPEN_MOE -> {
        definition.remove("post_processor");
        new BosEos(special(definition, "<pad>"), null).writeTo(definition);
      }
      case NLLB -> {
        definition.remove("post_processor");
        new BosEos(special(definition, config.path("src_lang").asString("eng_Latn")), special(definition, "</s>"))
            .writeTo(definition);
      }
      case DECODER, T5 -> {
        if (!definition.path("post_processor").isObject()) {
          new BosEos(wanted(definition, "bos_token"), wanted(definition, "eos_token")).writeTo(definition);
        }
      }
    }
  }

  private BosEos.@Nullable Special wanted(ObjectNode definition, String name) {
    String token = specialTokens.get(name);
    return token == null || !config.path("add_" + name).asBoolean(false) ? null : special(definition, token);
  }

  private static BosEos.@Nullable Special special(ObjectNode definition, String token) {
    for (JsonNode added : definition.path("added_tokens")) {
      if (added.path("content").asString("").equals(token)) {
        return new BosEos.Special(token, added.path("id").asInt(0));
      }
    }
    return null;
  }

  private @Nullable ChatTemplate chatTemplate() {
    Path file = folder.resolve("chat_template.jinja");
    if (Files.isRegularFile(file)) {
      return new ChatTemplate(read(file), specialTokens, file.toString());
    }
    for (String name : new String[]{"chat_template.json", "tokenizer_config.json"}) {
      String template = template(optional(name).path("chat_template"));
      if (template != null) {
        return new ChatTemplate(template, specialTokens, folder.resolve(name).toString());
      }
    }
    return family == TextFamily.OPEN_MOE
        ? new ChatTemplate(OpenMoeChat.TEMPLATE, specialTokens, "OpenMoE-8B-Chat")
        : null;
  }

  /** A template, or the one called {@code default} of a list of named ones. */
  private static @Nullable String template(JsonNode value) {
    if (value.isString()) {
      return value.stringValue();
    }
    for (JsonNode named : value) {
      if (named.path("name").asString("").equals("default") || value.size() == 1) {
        return named.path("template").asString("");
      }
    }
    return null;
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new FailureException(FailureCategory.INVALID_CHECKPOINT,
          "%s: cannot be read (%s)".formatted(file, IoReason.of(e)), e);
    }
  }
}
