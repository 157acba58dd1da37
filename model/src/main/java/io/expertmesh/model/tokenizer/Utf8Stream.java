package io.expertmesh.model.tokenizer;

/**
 * UTF-8 decoder that takes bytes one by one. Each maximal part of a character that cannot be completed becomes one
 * U+FFFD (Unicode, section 3.9; the decoder of the WHATWG Encoding Standard), as in Rust's lossy conversion, which the
 * Hugging Face tokenizers use. The JDK's own decoder counts encoded surrogates differently.
 */
final class Utf8Stream {
  private static final int REPLACEMENT = 0xFFFD;

  private int codePoint;
  private int missing;
  private int lowest = 0x80;
  private int highest = 0xBF;
  private final boolean eachByte;
  /** Bytes of the incomplete character. */
  private int seen;

  Utf8Stream() {
    this(false);
  }

  private Utf8Stream(boolean eachByte) {
    this.eachByte = eachByte;
  }

  /** A decoder that makes each byte of such a part a U+FFFD, as SentencePiece does. */
  static Utf8Stream replacingEachByte() {
    return new Utf8Stream(true);
  }

  /** Appends to {@code out} what is certain after {@code next}. */
  void accept(byte next, StringBuilder out) {
    int value = next & 0xFF;
    if (missing == 0) {
      start(value, out);
    } else if (value < lowest || value > highest) {
      flush(out);
      start(value, out);
    } else {
      lowest = 0x80;
      highest = 0xBF;
      codePoint = codePoint << 6 | (value & 0x3F);
      seen++;
      if (--missing == 0) {
        out.appendCodePoint(codePoint);
      }
    }
  }

  /** Ends the stream: an incomplete character becomes U+FFFD. */
  void flush(StringBuilder out) {
    if (missing > 0) {
      out.repeat(REPLACEMENT, eachByte ? seen : 1);
    }
    missing = 0;
    lowest = 0x80;
    highest = 0xBF;
  }

  private void start(int value, StringBuilder out) {
    if (value < 0x80) {
      out.append((char) value);
    } else if (value < 0xC2 || value > 0xF4) {
      out.appendCodePoint(REPLACEMENT);
    } else if (value < 0xE0) {
      expect(1, value & 0x1F);
    } else if (value < 0xF0) {
      lowest = value == 0xE0 ? 0xA0 : 0x80;
      highest = value == 0xED ? 0x9F : 0xBF;
      expect(2, value & 0x0F);
    } else {
      lowest = value == 0xF0 ? 0x90 : 0x80;
      highest = value == 0xF4 ? 0x8F : 0xBF;
      expect(3, value & 0x07);
    }
  }

  private void expect(int continuationBytes, int leadingBits) {
    missing = continuationBytes;
    codePoint = leadingBits;
    seen = 1;
  }
}
