package io.expertmesh.engine.constraint;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Allows any text until a mark, and behind it what another constraint allows. */
final class TextThenCalls implements TokenConstraint {
  private final TokenTrie trie;
  private final byte[] mark;
  private final Supplier<TokenConstraint> behindMark;
  private final BitSet anything;
  /** The last bytes of the text, as many as the mark has. */
  private final byte[] tail;
  private @Nullable TokenConstraint calls;

  TextThenCalls(TokenTrie trie, String mark, Supplier<TokenConstraint> behindMark) {
    this.trie = trie;
    this.mark = mark.getBytes(StandardCharsets.UTF_8);
    this.behindMark = behindMark;
    tail = new byte[this.mark.length];
    anything = new BitSet(trie.vocabulary());
    anything.set(0, trie.vocabulary());
  }

  @Override
  public BitSet allowed() {
    return calls == null ? free() : calls.allowed();
  }

  /** Anything but tokens in which the mark would end before the token does: calls begin behind the mark. */
  private BitSet free() {
    BitSet beyond = new BitSet();
    for (int begun = 0; begun < mark.length; begun++) {
      if (Arrays.equals(tail, tail.length - begun, tail.length, mark, 0, begun)) {
        trie.addTokensBeyond(Arrays.copyOfRange(mark, begun, mark.length), beyond);
      }
    }
    if (beyond.isEmpty()) {
      return anything;
    }
    BitSet free = (BitSet) anything.clone();
    free.andNot(beyond);
    return free;
  }

  @Override
  public boolean mayEnd() {
    return calls == null || calls.mayEnd();
  }

  @Override
  public void accept(int tokenId) {
    if (calls != null) {
      calls.accept(tokenId);
      return;
    }
    for (byte b : trie.token(tokenId)) {
      System.arraycopy(tail, 1, tail, 0, tail.length - 1);
      tail[tail.length - 1] = b;
    }
    if (Arrays.equals(tail, mark)) {
      calls = behindMark.get();
    }
  }
}
