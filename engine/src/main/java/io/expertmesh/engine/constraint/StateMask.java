package io.expertmesh.engine.constraint;

import java.util.BitSet;

/**
 * What one state of a rule allows, whoever called the rule.
 *
 * @param few the ids, when they are few; otherwise {@code many} has them
 * @param exits trie nodes that complete the rule and have longer tokens below them: there the caller decides
 * @param reach levels of nesting that the tokens open or will need, counted from this rule
 */
record StateMask(int[] few, BitSet many, int[] exits, int reach) {
  static StateMask of(BitSet allowed, IntList exits, int reach) {
    int count = allowed.cardinality();
    if (32 * count >= allowed.size()) {
      return new StateMask(new int[0], allowed, exits.toArray(), reach);
    }
    int[] few = new int[count];
    for (int i = 0, id = allowed.nextSetBit(0); id >= 0; id = allowed.nextSetBit(id + 1)) {
      few[i++] = id;
    }
    return new StateMask(few, new BitSet(), exits.toArray(), reach);
  }

  void addTo(BitSet out) {
    out.or(many);
    for (int id : few) {
      out.set(id);
    }
  }

  int bytes() {
    return 64 + 4 * few.length + many.size() / 8 + 4 * exits.length;
  }
}
