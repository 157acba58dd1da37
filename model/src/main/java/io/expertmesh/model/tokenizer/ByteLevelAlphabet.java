package io.expertmesh.model.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The alphabet in which byte-level BPE vocabularies write bytes: printable characters of Latin-1 stand for themselves,
 * the other 68 bytes are U+0100 and up (GPT-2's {@code encoder.py}, {@code bytes_to_unicode}).
 */
final class ByteLevelAlphabet {
  private static final int NONE = -1;
  private static final int[] BYTE_OF = new int[256 + 68];

  static {
    Arrays.fill(BYTE_OF, NONE);
    int shifted = 256;
    for (int value = 0; value < 256; value++) {
      boolean printable = (value >= '!' && value <= '~') || (value >= 0xA1 && value <= 0xAC) || value >= 0xAE;
      BYTE_OF[printable ? value : shifted++] = value;
    }
  }

  private ByteLevelAlphabet() {}

  /**
   * The bytes that {@code token} stands for. A token with any character outside the alphabet is ordinary text and
   * stands for its own UTF-8, as in the Hugging Face decoder.
   */
  static byte[] bytes(String token) {
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      char c = token.charAt(i);
      int value = c < BYTE_OF.length ? BYTE_OF[c] : NONE;
      if (value == NONE) {
        return token.getBytes(StandardCharsets.UTF_8);
      }
      bytes[i] = (byte) value;
    }
    return bytes;
  }
}
