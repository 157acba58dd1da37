package io.expertmesh.model.tokenizer;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;

/** Entries of {@code added_tokens} in {@code tokenizer.json}. */
final class AddedTokens {
  private AddedTokens() {}

  /** The token that {@code value} names: a text, or an object with the text as {@code content}. */
  static String content(JsonNode value) {
    return (value.isObject() ? value.path("content") : value).asString("");
  }

  /** Adds a token that is found in a text before anything else is done with it. */
  static void add(ArrayNode added, int id, String content, boolean special) {
    added.addObject().put("id", id).put("content", content).put("single_word", false).put("lstrip", false)
        .put("rstrip", false).put("normalized", false).put("special", special);
  }
}
