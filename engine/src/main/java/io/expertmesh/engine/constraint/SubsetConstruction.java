package io.expertmesh.engine.constraint;

import io.expertmesh.engine.constraint.Dfa.RuleEdge;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Makes an {@link Nfa} deterministic; a rule that is called counts as one more letter of the alphabet. */
final class SubsetConstruction {
  private static final int MAX_STATES = 100_000;
  private static final int MAX_CELLS = 4_000_000;
  /** Nondeterministic states in all deterministic ones together: memory, and time. */
  private static final int MAX_MEMBERS = 8_000_000;

  private final Nfa nfa;
  private final ByteSet alphabet;
  private final ByteClasses classes;
  private final Map<IntBuffer, Integer> stateOf = new HashMap<>();
  private final List<int[]> members = new ArrayList<>();
  private final int[] seenInRound;
  private int round;
  private int memberCount;

  SubsetConstruction(Nfa nfa, ByteSet alphabet) {
    this.nfa = nfa;
    this.alphabet = alphabet;
    this.classes = nfa.classes().set(alphabet).build();
    this.seenInRound = new int[nfa.states()];
  }

  Dfa run(int start, int end) {
    int columns = classes.count();
    int[] table = new int[64 * columns];
    List<RuleEdge[]> calls = new ArrayList<>();
    BitSet accepting = new BitSet();
    IntList[] byClass = new IntList[columns];
    Arrays.setAll(byClass, c -> new IntList());
    IntList[] byRule = new IntList[nfa.rules()];
    Arrays.setAll(byRule, r -> new IntList());
    stateOf(new int[]{start});
    for (int state = 0; state < members.size(); state++) {
      collectEdges(members.get(state), byClass, byRule);
      if (seenInRound[end] == round) {
        accepting.set(state);
      }
      if ((state + 1) * columns > table.length) {
        table = Arrays.copyOf(table, 2 * table.length);
      }
      for (int c = 0; c < columns; c++) {
        table[state * columns + c] = take(byClass[c]);
      }
      List<RuleEdge> edges = new ArrayList<>();
      for (int r = 0; r < byRule.length; r++) {
        int to = take(byRule[r]);
        if (to != Dfa.NONE) {
          edges.add(new RuleEdge(nfa.rule(r), to));
        }
      }
      calls.add(edges.toArray(new RuleEdge[0]));
    }
    return new Dfa(classes, Arrays.copyOf(table, members.size() * columns), accepting,
        calls.toArray(new RuleEdge[0][]));
  }

  /** Follows silent edges from {@code set} and sorts the others by what they need. */
  private void collectEdges(int[] set, IntList[] byClass, IntList[] byRule) {
    round++;
    IntList todo = new IntList();
    for (int state : set) {
      visit(state, todo);
    }
    for (int i = 0; i < todo.size(); i++) {
      for (int edge = nfa.lastEdge(todo.get(i)); edge != Nfa.NO_EDGE; edge = nfa.previousEdge(edge)) {
        int low = nfa.low(edge);
        if (low == Nfa.SILENT) {
          visit(nfa.target(edge), todo);
        } else if (low <= Nfa.CALL) {
          byRule[Nfa.CALL - low].add(nfa.target(edge));
        } else {
          for (int c = classes.of(low); c <= classes.of(nfa.high(edge)); c++) {
            if (alphabet.contains(classes.low(c))) {
              byClass[c].add(nfa.target(edge));
            }
          }
        }
      }
    }
  }

  private void visit(int state, IntList todo) {
    if (seenInRound[state] != round) {
      seenInRound[state] = round;
      todo.add(state);
    }
  }

  private int take(IntList targets) {
    if (targets.size() == 0) {
      return Dfa.NONE;
    }
    int[] set = targets.toArray();
    targets.clear();
    Arrays.sort(set);
    int distinct = 1;
    for (int i = 1; i < set.length; i++) {
      if (set[i] != set[i - 1]) {
        set[distinct++] = set[i];
      }
    }
    return stateOf(Arrays.copyOf(set, distinct));
  }

  private int stateOf(int[] set) {
    Integer known = stateOf.get(IntBuffer.wrap(set));
    if (known != null) {
      return known;
    }
    int state = members.size();
    memberCount += set.length;
    if (state == MAX_STATES || state * classes.count() > MAX_CELLS || memberCount > MAX_MEMBERS) {
      throw new GrammarTooLargeException("it needs more than " + state + " deterministic automaton states");
    }
    members.add(set);
    stateOf.put(IntBuffer.wrap(set), state);
    return state;
  }
}
