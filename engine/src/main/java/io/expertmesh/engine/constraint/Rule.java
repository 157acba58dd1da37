package io.expertmesh.engine.constraint;

import io.expertmesh.engine.constraint.Dfa.RuleEdge;
import java.util.BitSet;

/**
 * A named part of a grammar that matches at least one byte. Its automaton is set once, after which {@link Linker}
 * completes it; from then on it never changes and threads may share it.
 */
final class Rule {
  /** Which rules can begin at the same byte as their caller: only rules of a higher rank, so that none calls itself. */
  enum Rank {
    UNION, TYPE, TERMINAL
  }

  /** Height of a state from which the rule cannot be completed. */
  static final int NEVER = Integer.MAX_VALUE / 4;

  private static final int SLOW = 1 << 30;

  private final String name;
  private final Rank rank;
  private final int weight;
  private Dfa dfa = new Dfa(new ByteClasses.Builder().build(), new int[]{Dfa.NONE}, new BitSet(), new RuleEdge[1][0]);
  private ByteClasses classes = dfa.classes();
  private int[] steps = {};
  private int[] heights = {NEVER};
  private ByteSet first = new ByteSet();

  /** @param weight 1 for an array or an object, which count towards the nesting limit, otherwise 0 */
  Rule(String name, Rank rank, int weight) {
    this.name = name;
    this.rank = rank;
    this.weight = weight;
  }

  Rank rank() {
    return rank;
  }

  int weight() {
    return weight;
  }

  Dfa dfa() {
    return dfa;
  }

  Rule define(Dfa automaton) {
    dfa = automaton;
    return this;
  }

  void setHeights(int[] levels) {
    heights = levels;
  }

  void setFirst(ByteSet bytes) {
    first = bytes;
  }

  /** Levels of nesting that are still needed, at the least, to complete the rule from {@code state}. */
  int height(int state) {
    return heights[state];
  }

  ByteSet first() {
    return first;
  }

  boolean accepts(int state) {
    return dfa.accepting().get(state);
  }

  RuleEdge[] calls(int state) {
    return dfa.calls()[state];
  }

  /** Builds the table that {@link #step} reads; the called rules know their first bytes by now. */
  void buildSteps() {
    ByteClasses.Builder builder = new ByteClasses.Builder().all(dfa.classes());
    for (RuleEdge[] edges : dfa.calls()) {
      for (RuleEdge edge : edges) {
        builder.set(edge.rule().first);
      }
    }
    classes = builder.build();
    int columns = classes.count();
    steps = new int[dfa.states() * columns];
    for (int state = 0; state < dfa.states(); state++) {
      for (int c = 0; c < columns; c++) {
        int b = classes.low(c);
        int step = dfa.next(state, dfa.classes().of(b)) + 1;
        boolean slow = dfa.accepting().get(state);
        for (RuleEdge edge : dfa.calls()[state]) {
          slow |= edge.rule().first.contains(b);
        }
        steps[state * columns + c] = slow ? step | SLOW : step;
      }
    }
  }

  /** What byte {@code b} does in {@code state}: see {@link #isSimple} and {@link #target}; 0 when it is not allowed. */
  int step(int state, int b) {
    return steps[state * classes.count() + classes.of(b)];
  }

  /** Whether {@code step} is a plain move within this rule: no rule is called and none returns. */
  static boolean isSimple(int step) {
    return step < SLOW;
  }

  /** The state that {@code step} leads to within this rule, or {@link Dfa#NONE}. */
  static int target(int step) {
    return (step & ~SLOW) - 1;
  }

  /** Size of the table, in ints. */
  int cells() {
    return steps.length;
  }

  @Override
  public String toString() {
    return name;
  }
}
