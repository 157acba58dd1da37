package io.expertmesh.model.tokenizer;

/**
 * A token whose name becomes its id wherever it stands in a text.
 *
 * @param special whether it is no text
 * @param leftStrip whether it takes the white space before it with it
 * @param rightStrip whether it takes the white space after it with it
 */
record AddedToken(int id, String content, boolean special, boolean leftStrip, boolean rightStrip) {
  AddedToken(int id, String content, boolean special) {
    this(id, content, special, false, false);
  }
}
