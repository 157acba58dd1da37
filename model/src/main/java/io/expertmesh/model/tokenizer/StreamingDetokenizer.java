package io.expertmesh.model.tokenizer;

/** Turns a stream of token ids into text piece by piece. Not thread-safe. */
public interface StreamingDetokenizer {
  /** The text that became certain with {@code id}; empty while the bytes of a character are incomplete. */
  String next(int id);

  /** What is left at the end of the stream; an incomplete character becomes U+FFFD. */
  String flush();
}
