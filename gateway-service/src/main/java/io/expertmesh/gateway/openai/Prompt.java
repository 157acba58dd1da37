package io.expertmesh.gateway.openai;

import io.expertmesh.engine.text.DecoderStart;
import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.gateway.http.ApiException;
import io.expertmesh.gateway.http.JsonFields;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;

/**
 * One prompt.
 *
 * @param text as it was sent; null if token ids were
 */
record Prompt(@Nullable String text, int[] ids) {
  /** The {@code prompt} of a completion: text, token ids, or an array of either. */
  static List<Prompt> readAll(JsonFields fields, ServedModel model) {
    JsonNode prompt = fields.any("prompt");
    if (prompt == null) {
      throw ApiException.invalid("prompt", "'prompt' is missing.");
    }
    if (!(prompt instanceof ArrayNode several)) {
      return List.of(read("prompt", prompt, model));
    }
    if (several.isEmpty()) {
      throw ApiException.invalid("prompt", "'prompt' is an empty array.");
    }
    if (several.get(0).isNumber()) {
      return List.of(read("prompt", several, model));
    }
    List<Prompt> prompts = new ArrayList<>();
    for (JsonNode one : several) {
      prompts.add(read("prompt[%d]".formatted(prompts.size()), one, model));
    }
    return prompts;
  }

  /**
   * The {@code decoder_prompt} of a completion: token ids as they are, or text after the decoder's start token; null if
   * there is none.
   */
  static @Nullable Prompt ofDecoder(JsonFields fields, ServedModel model, DecoderStart start) {
    JsonNode prompt = fields.any("decoder_prompt");
    if (prompt == null) {
      return null;
    }
    if (!prompt.isString()) {
      return read("decoder_prompt", prompt, model);
    }
    int[] ids = model.tokenizer().encode(prompt.stringValue(), false);
    int[] started = new int[ids.length + 1];
    started[0] = start.tokenId();
    System.arraycopy(ids, 0, started, 1, ids.length);
    return new Prompt(prompt.stringValue(), started);
  }

  private static Prompt read(String name, JsonNode prompt, ServedModel model) {
    if (prompt.isString()) {
      return ofText(name, prompt.stringValue(), model, true);
    }
    if (prompt instanceof ArrayNode ids && !ids.isEmpty()) {
      return new Prompt(null, tokenIds(name, ids, model.vocabularySize()));
    }
    throw JsonFields.wrongType(name, "a string or an array of token ids", prompt);
  }

  /** A prompt of {@code text}, with at least one token. */
  static Prompt ofText(String name, String text, ServedModel model, boolean addSpecialTokens) {
    int[] ids = model.tokenizer().encode(text, addSpecialTokens);
    if (ids.length == 0) {
      throw ApiException.invalid(name, "'%s' is empty; the model needs at least one token.".formatted(name));
    }
    return new Prompt(text, ids);
  }

  static int[] tokenIds(String name, ArrayNode array, int vocabularySize) {
    int[] ids = new int[array.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = (int) JsonFields.whole("%s[%d]".formatted(name, i), array.get(i), 0, vocabularySize - 1L);
    }
    return ids;
  }

  /** The text, decoded if ids were sent. */
  String text(ServedModel model) {
    return text == null ? model.tokenizer().decode(ids, false) : text;
  }
}
