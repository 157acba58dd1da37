package io.expertmesh.model.tokenizer;

import java.util.Arrays;
import java.util.function.Function;

/**
 * Streams any vocabulary by decoding the last few ids again with each new one, for decoders in which a token's text
 * depends on its neighbours (SentencePiece drops the first space, and several byte tokens make one character). The
 * pieces are the text of a full decode wherever the bytes are UTF-8; where they are not, a full decode turns characters
 * that are already out into U+FFFD too.
 */
final class RedecodingDetokenizer implements StreamingDetokenizer {
  /** Ids that are held back at most while the text ends in U+FFFD; a character has no more than 4 bytes. */
  private static final int MAX_HELD = 8;

  private final Function<int[], String> decode;
  private int[] window = new int[16];
  private int size;
  /** The first {@code shown} ids of the window are already out; the text of the others is not. */
  private int shown;

  RedecodingDetokenizer(Function<int[], String> decode) {
    this.decode = decode;
  }

  @Override
  public String next(int id) {
    if (size == window.length) {
      window = Arrays.copyOf(window, 2 * size);
    }
    window[size++] = id;
    return emit(false);
  }

  @Override
  public String flush() {
    return emit(true);
  }

  private String emit(boolean all) {
    String before = decode.apply(Arrays.copyOf(window, shown));
    String now = decode.apply(Arrays.copyOf(window, size));
    boolean incomplete = now.endsWith("\uFFFD") && size - shown < MAX_HELD;
    if (now.length() <= before.length() || (incomplete && !all)) {
      return "";
    }
    System.arraycopy(window, shown, window, 0, size - shown);
    size -= shown;
    shown = size;
    return now.substring(before.length());
  }
}
