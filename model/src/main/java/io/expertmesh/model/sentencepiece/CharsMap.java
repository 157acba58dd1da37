package io.expertmesh.model.sentencepiece;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * Replacements of characters, such as Unicode's NFKC, as SentencePiece compiles them: the size of a double-array trie
 * over UTF-8 (u32), the trie (u32 units of darts-clone), and the replacements, each ended by a zero byte
 * ({@code normalizer.cc}, {@code darts.h}).
 */
public final class CharsMap {
  private final int[] units;
  private final byte[] replacements;

  private CharsMap(int[] units, byte[] replacements) {
    this.units = units;
    this.replacements = replacements;
  }

  /**
   * @param precompiled {@code precompiled_charsmap}
   * @param source the file, for messages
   * @throws FailureException INVALID_CHECKPOINT if the sizes contradict each other
   */
  public static CharsMap of(byte[] precompiled, String source) {
    ByteBuffer buffer = ByteBuffer.wrap(precompiled).order(ByteOrder.LITTLE_ENDIAN);
    long trieBytes = precompiled.length < 4 ? -1 : Integer.toUnsignedLong(buffer.getInt());
    if (trieBytes < 4 || trieBytes % 4 != 0 || trieBytes >= buffer.remaining()
        || precompiled[precompiled.length - 1] != 0) {
      throw new FailureException(FailureCategory.INVALID_CHECKPOINT,
          "%s is damaged: its precompiled_charsmap has %d bytes, of which %d for the trie".formatted(source,
              precompiled.length, trieBytes));
    }
    int[] units = new int[(int) trieBytes / 4];
    buffer.asIntBuffer().get(units);
    byte[] replacements = new byte[precompiled.length - 4 - (int) trieBytes];
    buffer.get(4 + (int) trieBytes, replacements);
    return new CharsMap(units, replacements);
  }

  /**
   * @param length chars of the text that are replaced
   * @param by their replacement, which may be empty
   */
  record Replacement(int length, String by) {}

  /** The replacement of the longest run of characters at {@code from} that has one, null if none has. */
  @Nullable
  Replacement longest(String text, int from) {
    int position = offset(units[0]);
    int length = 0;
    int value = -1;
    int at = from;
    while (at < text.length()) {
      int codePoint = text.codePointAt(at);
      at += Character.charCount(codePoint);
      int leaf = -1;
      for (int shift = firstShift(codePoint); shift >= 0; shift -= 6) {
        position ^= utf8Byte(codePoint, shift);
        if (position < 0 || position >= units.length || label(units[position]) != utf8Byte(codePoint, shift)) {
          return replacement(length, value);
        }
        boolean hasLeaf = ((units[position] >>> 8) & 1) == 1;
        position ^= offset(units[position]);
        leaf = hasLeaf ? position : -1;
      }
      if (leaf >= 0 && leaf < units.length) {
        length = at - from;
        value = units[leaf] & Integer.MAX_VALUE;
      }
    }
    return replacement(length, value);
  }

  private @Nullable Replacement replacement(int length, int value) {
    if (length == 0 || value >= replacements.length) {
      return null;
    }
    int end = value;
    while (replacements[end] != 0) {
      end++;
    }
    return new Replacement(length, new String(replacements, value, end - value, UTF_8));
  }

  private static int offset(int unit) {
    return (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
  }

  /** Of a unit that holds a value, the sign bit makes it differ from every byte. */
  private static int label(int unit) {
    return unit & ((1 << 31) | 0xFF);
  }

  private static int firstShift(int codePoint) {
    if (codePoint < 0x80) {
      return 0;
    }
    if (codePoint < 0x800) {
      return 6;
    }
    return codePoint < 0x10000 ? 12 : 18;
  }

  private static int utf8Byte(int codePoint, int shift) {
    if (shift == firstShift(codePoint)) {
      return switch (shift) {
        case 0 -> codePoint;
        case 6 -> 0xC0 | (codePoint >> 6);
        case 12 -> 0xE0 | (codePoint >> 12);
        default -> 0xF0 | (codePoint >> 18);
      };
    }
    return 0x80 | ((codePoint >> shift) & 0x3F);
  }
}
