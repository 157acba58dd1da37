package io.expertmesh.model.tokenizer;

import io.expertmesh.model.checkpoint.GgufMetadata;
import io.expertmesh.model.checkpoint.PreTokenizer;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The tokenizer in a GGUF file's metadata, written as the {@code tokenizer.json} of the same tokenizer. A file that
 * carries the original ({@code tokenizer.huggingface.json}) gives that one.
 */
final class GgufVocabulary {
  private static final int UNKNOWN = 2;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int UNUSED = 5;

  private final GgufMetadata metadata;
  private final List<String> tokens;

  GgufVocabulary(GgufMetadata metadata) {
    this.metadata = metadata;
    this.tokens = metadata.texts("tokenizer.ggml.tokens").orElse(List.of());
  }

  LoadedTokenizer load() {
    Tokenizer tokenizer = tokenizer();
    return new LoadedTokenizer(tokenizer, chatTemplate(), TranslationLanguages.of(tokenizer, false));
  }

  private Tokenizer tokenizer() {
    String source = metadata.file().toString();
    Optional<String> original = metadata.text("tokenizer.huggingface.json");
    if (original.isPresent()) {
      return new JsonTokenizer(
          Json.object(original.get().getBytes(StandardCharsets.UTF_8), source + " (tokenizer.huggingface.json)"),
          tokens.size(), source);
    }
    String model = metadata.text("tokenizer.ggml.model").orElse("none");
    return switch (model) {
      case "gpt2" -> new JsonTokenizer(definition(), tokens.size(), source);
      case "llama" -> new GgufSentencePiece(metadata, false).tokenizer();
      case "t5" -> new GgufSentencePiece(metadata, true).tokenizer();
      case "none" -> throw refuse("has no tokenizer. Serve the Hugging Face folder that it was made from");
      default -> throw refuse("has a tokenizer of kind '%s' (tokenizer.ggml.model); known are gpt2, llama, t5"
          .formatted(model));
    };
  }

  private @Nullable ChatTemplate chatTemplate() {
    return metadata.text("tokenizer.chat_template")
        .map(template -> new ChatTemplate(template, specialTokens(), metadata.file().toString())).orElse(null);
  }

  private Map<String, String> specialTokens() {
    Map<String, String> named = new LinkedHashMap<>();
    Map.of("bos", "bos_token", "eos", "eos_token", "unknown", "unk_token", "padding", "pad_token")
        .forEach((key, name) -> {
          BosEos.Special special = special("tokenizer.ggml." + key + "_token_id");
          if (special != null) {
            named.put(name, special.token());
          }
        });
    return named;
  }

  private BosEos.@Nullable Special special(String key) {
    long id = metadata.integer(key).orElse(-1);
    return id >= 0 && id < tokens.size() ? new BosEos.Special(tokens.get((int) id), (int) id) : null;
  }

  private ObjectNode definition() {
    String name = metadata.text("tokenizer.ggml.pre").orElse("default");
    PreTokenizer preTokenizer = PreTokenizer.named(name);
    if (preTokenizer == null) {
      throw refuse("splits text by the rules '%s' (tokenizer.ggml.pre), which are not known here; known are %s"
          .formatted(name, String.join(", ", PreTokenizer.names())));
    }
    ObjectNode definition = Json.MAPPER.createObjectNode().put("version", "1.0");
    preTokenizer.writeTo(definition);
    definition.putObject("decoder").put("type", "ByteLevel").put("add_prefix_space", true).put("trim_offsets", true)
        .put("use_regex", true);
    vocabulary(definition, preTokenizer);
    new BosEos(wanted("bos", preTokenizer.bos()), wanted("eos", false)).writeTo(definition);
    return definition;
  }

  private void vocabulary(ObjectNode definition, PreTokenizer preTokenizer) {
    long[] types = metadata.integers("tokenizer.ggml.token_type").orElse(new long[0]);
    ArrayNode added = definition.putArray("added_tokens");
    ObjectNode model = definition.putObject("model").put("type", "BPE").put("byte_fallback", false)
        .put("ignore_merges", preTokenizer.wholeWords());
    ObjectNode ids = model.putObject("vocab");
    for (int id = 0; id < tokens.size(); id++) {
      long type = id < types.length ? types[id] : 1;
      String token = tokens.get(id);
      if (type == UNUSED || ids.has(token)) {
        continue;
      }
      ids.put(token, id);
      if (type == CONTROL || type == UNKNOWN || type == USER_DEFINED) {
        AddedTokens.add(added, id, token, type != USER_DEFINED);
      }
    }
    ArrayNode merges = model.putArray("merges");
    for (String merge : metadata.texts("tokenizer.ggml.merges").orElse(List.of())) {
      // The parts have no spaces, but the first may be one character that is written as a space.
      int split = merge.indexOf(' ', 1);
      if (split < 0) {
        throw refuse("has the merge '%s'; two parts are expected".formatted(merge));
      }
      merges.addArray().add(merge.substring(0, split)).add(merge.substring(split + 1));
    }
  }

  private BosEos.@Nullable Special wanted(String name, boolean otherwise) {
    return metadata.flag("tokenizer.ggml.add_" + name + "_token").orElse(otherwise)
        ? special("tokenizer.ggml." + name + "_token_id")
        : null;
  }

  private FailureException refuse(String problem) {
    return new FailureException(FailureCategory.INVALID_CHECKPOINT, metadata.file() + " " + problem);
  }
}
