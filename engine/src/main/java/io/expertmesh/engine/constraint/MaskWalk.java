package io.expertmesh.engine.constraint;

import io.expertmesh.engine.constraint.Position.Frame;
import java.util.BitSet;

/**
 * Walks the tokens of a trie together with the grammar and notes those that the grammar allows. While an answer stays
 * inside one rule the walk is a table look-up per trie node; only calls and returns move whole sets of positions.
 */
final class MaskWalk {
  private static final Position NONE = new Position(new Rule("none", Rule.Rank.TERMINAL, 0), 0, Frame.OUTERMOST);

  private final TokenTrie trie;
  private final Steps steps;
  private final Level[] levels;
  private final BitSet allowed;
  private int reach;

  /** Where the grammar stands at one depth of the trie: at one position, whose state is kept apart, or at several. */
  private static final class Level {
    private boolean single;
    private Position position = NONE;
    private int state;
    private Position[] set = Position.NOWHERE;
  }

  MaskWalk(TokenTrie trie, Steps steps, BitSet allowed) {
    this.trie = trie;
    this.steps = steps;
    this.allowed = allowed;
    levels = new Level[trie.maxDepth() + 1];
    for (int i = 0; i < levels.length; i++) {
      levels[i] = new Level();
    }
  }

  /** The deepest nesting that any of the allowed tokens leads to or will need. */
  int reach() {
    return reach;
  }

  /**
   * Adds the tokens below {@code node} that may follow at {@code start}, the positions at {@code node}.
   *
   * @param exits takes the nodes, among those with children, where the outermost rule may be complete
   */
  void below(int node, Position[] start, IntList exits) {
    int base = trie.depth(node);
    enter(levels[0], start);
    noteExit(node, start, exits);
    int end = trie.end(node);
    for (int i = node + 1; i < end;) {
      int depth = trie.depth(i) - base;
      if (advance(levels[depth - 1], trie.label(i), levels[depth])) {
        trie.addTokens(i, allowed);
        if (trie.hasChildren(i)) {
          noteExit(i, levels[depth], exits);
        }
        i++;
      } else {
        i = trie.end(i);
      }
    }
  }

  private boolean advance(Level from, int b, Level to) {
    if (from.single) {
      Rule rule = from.position.rule();
      int step = rule.step(from.state, b);
      if (step == 0) {
        return false;
      }
      if (Rule.isSimple(step)) {
        int target = Rule.target(step);
        int depth = from.position.frame().depth() + rule.height(target);
        if (depth > steps.maxDepth()) {
          return false;
        }
        reach = Math.max(reach, depth);
        to.single = true;
        to.position = from.position;
        to.state = target;
        return true;
      }
    }
    Position[] next = steps.step(positions(from), b);
    enter(to, next);
    return next.length > 0;
  }

  private void enter(Level level, Position[] positions) {
    level.single = positions.length == 1;
    if (level.single) {
      level.position = positions[0];
      level.state = positions[0].state();
    } else {
      level.set = positions;
    }
    for (Position position : positions) {
      reach = Math.max(reach, position.frame().depth() + position.rule().height(position.state()));
    }
  }

  private static Position[] positions(Level level) {
    if (!level.single) {
      return level.set;
    }
    Position position = level.position;
    return new Position[]{position.state() == level.state
        ? position
        : new Position(position.rule(), level.state, position.frame())};
  }

  private static void noteExit(int node, Position[] positions, IntList exits) {
    if (Steps.mayEnd(positions)) {
      exits.add(node);
    }
  }

  private static void noteExit(int node, Level level, IntList exits) {
    if (level.single && !level.position.rule().accepts(level.state)) {
      return;
    }
    noteExit(node, positions(level), exits);
  }
}
