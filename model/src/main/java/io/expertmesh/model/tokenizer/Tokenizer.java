package io.expertmesh.model.tokenizer;

/** Text to token ids and back. Thread-safe. */
public interface Tokenizer {
  /**
   * Ids of {@code text}; added tokens that stand in the text (such as {@code <|endoftext|>}) become their ids.
   *
   * @param addSpecialTokens whether the tokenizer's own prefix and suffix (BOS, EOS) are added
   */
  int[] encode(String text, boolean addSpecialTokens);

  /** The text of {@code ids}; bytes that are not UTF-8 become U+FFFD. */
  String decode(int[] ids, boolean skipSpecialTokens);

  /** A decoder for one stream of ids that never emits half a character. */
  StreamingDetokenizer streaming(boolean skipSpecialTokens);

  /**
   * The same for ids that go on with a text: a space at their beginning is shown, also where {@link #streaming} takes
   * it for the one that the tokenizer puts before every text.
   */
  StreamingDetokenizer continuing(boolean skipSpecialTokens);

  /** The bytes that {@code id} stands for in running text; empty for special tokens and ids without a token. */
  byte[] tokenBytes(int id);

  /** The token as the vocabulary writes it (such as {@code Ġthe} or {@code <|endoftext|>}), empty if there is none. */
  String tokenText(int id);

  boolean isSpecial(int id);

  /** Number of ids the tokenizer knows; the model's vocabulary may be padded beyond it. */
  int size();
}
