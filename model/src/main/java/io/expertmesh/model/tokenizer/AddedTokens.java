package io.expertmesh.model.tokenizer;

import tools.jackson.databind.node.ArrayNode;

/** Entries of {@code added_tokens} in {@code tokenizer.json}. */
final class AddedTokens {
  private AddedTokens() {}

  /** Adds a token that is found in a text before anything else is done with it. */
  static void add(ArrayNode added, int id, String content, boolean special) {
    added.addObject().put("id", id).put("content", content).put("single_word", false).put("lstrip", false)
        .put("rstrip", false).put("normalized", false).put("special", special);
  }
}
