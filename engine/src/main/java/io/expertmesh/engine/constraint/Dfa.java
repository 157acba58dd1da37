package io.expertmesh.engine.constraint;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A deterministic automaton over bytes; a state may also call rules. State 0 is the start.
 *
 * @param table (states, byte classes): the next state, or {@link #NONE}
 * @param calls per state, the rules that may be called there
 */
record Dfa(ByteClasses classes, int[] table, BitSet accepting, RuleEdge[][] calls) {
  static final int NONE = -1;

  /** After {@code rule} has matched, the caller goes on in state {@code target}. */
  record RuleEdge(Rule rule, int target) {}

  int states() {
    return calls.length;
  }

  int next(int state, int byteClass) {
    return table[state * classes.count() + byteClass];
  }

  boolean accepts(byte[] text) {
    int state = 0;
    for (byte b : text) {
      state = next(state, classes.of(b & 0xFF));
      if (state == NONE) {
        return false;
      }
    }
    return accepting.get(state);
  }

  /** Whether no text at all is accepted; every state can be reached from the start. */
  boolean isEmpty() {
    return accepting.isEmpty();
  }

  /** The texts that both automata accept. */
  Dfa and(Dfa other) {
    return product(other, false);
  }

  /** The texts that this automaton accepts and {@code other} does not. */
  Dfa minus(Dfa other) {
    return product(other, true);
  }

  private Dfa product(Dfa other, boolean negated) {
    ByteClasses both = new ByteClasses.Builder().all(classes).all(other.classes).build();
    int columns = both.count();
    Map<Long, Integer> stateOf = new HashMap<>();
    List<int[]> pairs = new ArrayList<>();
    IntList rows = new IntList();
    BitSet accepts = new BitSet();
    pairs.add(new int[]{0, 0});
    stateOf.put(0L, 0);
    for (int state = 0; state < pairs.size(); state++) {
      int left = pairs.get(state)[0];
      int right = pairs.get(state)[1];
      boolean rightAccepts = right != NONE && other.accepting.get(right);
      accepts.set(state, accepting.get(left) && rightAccepts != negated);
      for (int c = 0; c < columns; c++) {
        int nextLeft = next(left, classes.of(both.low(c)));
        int nextRight = right == NONE ? NONE : other.next(right, other.classes.of(both.low(c)));
        if (nextLeft == NONE || (nextRight == NONE && !negated)) {
          rows.add(NONE);
          continue;
        }
        long key = ((long) nextLeft << 32) | (nextRight & 0xFFFFFFFFL);
        Integer known = stateOf.get(key);
        if (known == null) {
          known = pairs.size();
          if (known == 200_000) {
            throw new GrammarTooLargeException("its conditions together need more than 200000 automaton states");
          }
          pairs.add(new int[]{nextLeft, nextRight});
          stateOf.put(key, known);
        }
        rows.add(known);
      }
    }
    RuleEdge[][] noCalls = new RuleEdge[pairs.size()][0];
    return new Dfa(both, rows.toArray(), accepts, noCalls);
  }

  /** Copies this automaton into {@code nfa} behind {@code from} and returns the state in which it has matched. */
  int appendTo(Nfa nfa, int from) {
    int[] copy = new int[states()];
    for (int state = 0; state < copy.length; state++) {
      copy[state] = nfa.state();
    }
    int end = nfa.state();
    nfa.silent(from, copy[0]);
    for (int state = 0; state < copy.length; state++) {
      for (int c = 0; c < classes.count(); c++) {
        if (next(state, c) != NONE) {
          nfa.bytes(copy[state], classes.low(c), classes.high(c), copy[next(state, c)]);
        }
      }
      if (accepting.get(state)) {
        nfa.silent(copy[state], end);
      }
    }
    return end;
  }
}
