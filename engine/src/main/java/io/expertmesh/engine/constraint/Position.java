package io.expertmesh.engine.constraint;

/**
 * One place in a grammar where an answer may stand: a state of a rule, and where the rule returns to. Positions form a
 * graph-structured stack: a {@link Frame} is shared by all ways in which its rule was called at the same byte, so that
 * ambiguous grammars stay small.
 */
record Position(Rule rule, int state, Frame frame) {
  static final Position[] NOWHERE = {};

  /** Where a called rule returns to, and how deep inside objects and arrays it is. */
  static final class Frame {
    static final Frame OUTERMOST = new Frame(NOWHERE, 0);

    private final Position[] returns;
    private final int depth;

    Frame(Position[] returns, int depth) {
      this.returns = returns;
      this.depth = depth;
    }

    /** Where the callers go on; none for the rule that is the whole answer. */
    Position[] returns() {
      return returns;
    }

    /** Levels of nesting that are open. */
    int depth() {
      return depth;
    }

    boolean isOutermost() {
      return returns.length == 0;
    }
  }
}
