package io.expertmesh.model.tokenizer;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.failure.IoReason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The tokenizer's files in a Hugging Face folder. {@code tokenizer.json} rules; the others name special tokens. */
final class TokenizerFolder {
  private final Path folder;
  private final ObjectNode config;
  private final Map<String, String> specialTokens;

  TokenizerFolder(Path folder) {
    this.folder = folder;
    this.config = optional("tokenizer_config.json");
    this.specialTokens = specialTokens(optional("special_tokens_map.json"), config);
  }

  /** @param modelVocabulary rows of the model's embedding, 0 if not known */
  LoadedTokenizer load(int modelVocabulary) {
    Path file = folder.resolve("tokenizer.json");
    if (!Files.isRegularFile(file)) {
      throw missing();
    }
    ObjectNode definition = Json.readObject(file);
    addSpecialTokens(definition);
    frame(definition);
    return new LoadedTokenizer(new JsonTokenizer(definition, modelVocabulary, file.toString()), chatTemplate());
  }

  private FailureException missing() {
    for (String other : new String[]{"tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.json"}) {
      if (Files.exists(folder.resolve(other))) {
        return new FailureException(FailureCategory.INVALID_CHECKPOINT,
            ("%1$s has %2$s but no tokenizer.json, which is "
                + "read. Write it with: python -c \"from transformers import AutoTokenizer; "
                + "AutoTokenizer.from_pretrained('%1$s').save_pretrained('%1$s')\"").formatted(folder, other));
      }
    }
    return new FailureException(FailureCategory.INVALID_CHECKPOINT,
        "%s has no tokenizer (no tokenizer.json). Copy the tokenizer's files from where the model is from"
            .formatted(folder));
  }

  private ObjectNode optional(String name) {
    Path file = folder.resolve(name);
    return Files.isRegularFile(file) ? Json.readObject(file) : Json.MAPPER.createObjectNode();
  }

  private static Map<String, String> specialTokens(ObjectNode map, ObjectNode config) {
    Map<String, String> tokens = new LinkedHashMap<>();
    for (ObjectNode source : new ObjectNode[]{map, config}) {
      for (Map.Entry<String, JsonNode> entry : source.properties()) {
        JsonNode value = entry.getValue().isObject() ? entry.getValue().path("content") : entry.getValue();
        if (entry.getKey().endsWith("_token") && value.isString()) {
          tokens.put(entry.getKey(), value.stringValue());
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

  /** Where tokenizer.json says nothing of a prefix, {@code add_bos_token} and {@code add_eos_token} do. */
  private void frame(ObjectNode definition) {
    if (definition.path("post_processor").isObject()) {
      return;
    }
    new BosEos(wanted(definition, "bos_token"), wanted(definition, "eos_token")).writeTo(definition);
  }

  private BosEos.@Nullable Special wanted(ObjectNode definition, String name) {
    String token = specialTokens.get(name);
    if (token == null || !config.path("add_" + name).asBoolean(false)) {
      return null;
    }
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
    return null;
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
