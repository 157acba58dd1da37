package io.expertmesh.model.tokenizer;

import java.util.function.IntUnaryOperator;

/**
 * Streams a SentencePiece vocabulary: U+2581 is a space, byte pieces one after another are UTF-8 in which each byte
 * that is none becomes U+FFFD, and the space that the encoder put before the text is dropped again.
 */
final class SentencePieceDetokenizer implements StreamingDetokenizer {
  /** Which spaces at the beginning of a text are not shown. */
  enum FirstSpace {
    /** All are. */
    SHOWN,
    /** One is not (Llama 2, Mixtral: {@code Strip} in {@code tokenizer.json}). */
    ONE_HIDDEN,
    /** None of the first token are (T5, NLLB: the {@code Metaspace} decoder of {@code tokenizer.json}). */
    FIRST_TOKEN_HIDDEN,
    /** One of each token is not until there is text (SentencePiece with {@code remove_extra_whitespaces}). */
    EACH_HIDDEN
  }

  private static final char SPACE = '\u2581';

  private final IntUnaryOperator check;
  private final Vocabulary vocabulary;
  private final boolean skipSpecialTokens;
  private final FirstSpace firstSpace;
  private final Utf8Stream utf8 = Utf8Stream.replacingEachByte();
  private boolean anyToken;
  private boolean anyText;

  /** @param check gives the id back; throws for one outside the vocabulary */
  SentencePieceDetokenizer(IntUnaryOperator check, Vocabulary vocabulary, boolean skipSpecialTokens,
      FirstSpace firstSpace) {
    this.check = check;
    this.vocabulary = vocabulary;
    this.skipSpecialTokens = skipSpecialTokens;
    this.firstSpace = firstSpace;
  }

  @Override
  public String next(int token) {
    int id = check.applyAsInt(token);
    if (skipSpecialTokens && vocabulary.isSpecial(id)) {
      return "";
    }
    StringBuilder text = new StringBuilder();
    int value = vocabulary.byteValue(id);
    if (value >= 0) {
      utf8.accept((byte) value, text);
    } else {
      utf8.flush(text);
      append(vocabulary.text(id), text);
    }
    // A byte that begins a character is text already, though none that can be shown yet.
    anyText |= !text.isEmpty() || value >= 0;
    anyToken = true;
    return text.toString();
  }

  private void append(String token, StringBuilder text) {
    boolean beginning = !anyText && text.isEmpty();
    String spaced = token.replace(SPACE, ' ');
    if (!beginning || !token.startsWith("\u2581")) {
      text.append(spaced);
      return;
    }
    switch (firstSpace) {
      case SHOWN -> text.append(spaced);
      case ONE_HIDDEN -> {
        text.append(spaced, 1, spaced.length());
        // The space is used up, even if there is nothing after it.
        anyText = true;
      }
      case FIRST_TOKEN_HIDDEN -> text.append(anyToken ? spaced : token.replace("\u2581", ""));
      case EACH_HIDDEN -> text.append(spaced, 1, spaced.length());
    }
  }

  @Override
  public String flush() {
    StringBuilder text = new StringBuilder();
    utf8.flush(text);
    return text.toString();
  }
}
