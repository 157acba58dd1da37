package io.expertmesh.engine.constraint;

import io.expertmesh.engine.constraint.Position.Frame;
import java.util.BitSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/** The masks of the rule states that were needed last, for one vocabulary. Thread-safe. */
final class StateMasks {
  private static final long MAX_BYTES = 64 << 20;

  private final TokenTrie trie;
  private final Map<Key, StateMask> masks = new LinkedHashMap<>(256, 0.75f, true);
  private long bytes;

  private record Key(Rule rule, int state) {}

  StateMasks(TokenTrie trie) {
    this.trie = trie;
  }

  TokenTrie trie() {
    return trie;
  }

  StateMask of(Rule rule, int state) {
    Key key = new Key(rule, state);
    synchronized (masks) {
      StateMask known = masks.get(key);
      if (known != null) {
        return known;
      }
    }
    StateMask mask = compute(rule, state);
    synchronized (masks) {
      if (masks.putIfAbsent(key, mask) == null) {
        bytes += mask.bytes();
      }
      for (Iterator<StateMask> eldest = masks.values().iterator(); bytes > MAX_BYTES && eldest.hasNext();) {
        bytes -= eldest.next().bytes();
        eldest.remove();
      }
    }
    return mask;
  }

  private StateMask compute(Rule rule, int state) {
    BitSet allowed = new BitSet(trie.vocabulary());
    IntList exits = new IntList();
    MaskWalk walk = new MaskWalk(trie, new Steps(Rule.NEVER), allowed);
    walk.below(0, new Position[]{new Position(rule, state, Frame.OUTERMOST)}, exits);
    return StateMask.of(allowed, exits, walk.reach());
  }
}
