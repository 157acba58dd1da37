package io.expertmesh.engine.constraint;

import io.expertmesh.engine.constraint.Dfa.RuleEdge;
import io.expertmesh.engine.constraint.Position.Frame;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How a set of positions moves with each byte (the method is GLL's, Scott and Johnstone 2010, without left recursion). */
final class Steps {
  /** Nothing may be nested deeper than this many objects and arrays. */
  private final int maxDepth;

  Steps(int maxDepth) {
    this.maxDepth = maxDepth;
  }

  int maxDepth() {
    return maxDepth;
  }

  static Position[] start(Rule rule) {
    return new Position[]{new Position(rule, 0, new Frame(Position.NOWHERE, rule.weight()))};
  }

  /** The positions behind byte {@code b}; none if it is not allowed. {@code positions} is not changed. */
  Position[] step(Position[] positions, int b) {
    return positions.length == 1 ? stepOnly(positions[0], b) : stepAll(positions, b);
  }

  /** The common case, without collections: as long as there is only one way to go on. */
  private Position[] stepOnly(Position from, int b) {
    Position position = from;
    while (true) {
      Rule rule = position.rule();
      int step = rule.step(position.state(), b);
      if (step == 0) {
        return Position.NOWHERE;
      }
      int depth = position.frame().depth();
      int target = Rule.target(step);
      if (Rule.isSimple(step)) {
        return depth + rule.height(target) <= maxDepth
            ? new Position[]{new Position(rule, target, position.frame())}
            : Position.NOWHERE;
      }
      RuleEdge call = target == Dfa.NONE ? onlyCall(rule, position.state(), b) : null;
      boolean completes = rule.accepts(position.state());
      if (call != null && !completes) {
        if (!mayCall(position, call)) {
          return Position.NOWHERE;
        }
        Position[] back = {new Position(rule, call.target(), position.frame())};
        position = new Position(call.rule(), 0, new Frame(back, depth + call.rule().weight()));
      } else if (completes && target == Dfa.NONE && position.frame().returns().length == 1
          && noCall(rule, position.state(), b)) {
        position = position.frame().returns()[0];
      } else {
        return stepAll(new Position[]{position}, b);
      }
    }
  }

  private static boolean noCall(Rule rule, int state, int b) {
    for (RuleEdge edge : rule.calls(state)) {
      if (edge.rule().first().contains(b)) {
        return false;
      }
    }
    return true;
  }

  /** The rule that byte {@code b} begins in {@code state}; null if there are none or several. */
  private static @Nullable RuleEdge onlyCall(Rule rule, int state, int b) {
    RuleEdge only = null;
    for (RuleEdge edge : rule.calls(state)) {
      if (edge.rule().first().contains(b)) {
        if (only != null) {
          return null;
        }
        only = edge;
      }
    }
    return only;
  }

  private boolean mayCall(Position position, RuleEdge edge) {
    int depth = position.frame().depth();
    return depth + edge.rule().weight() + edge.rule().height(0) <= maxDepth
        && depth + position.rule().height(edge.target()) <= maxDepth;
  }

  private Position[] stepAll(Position[] positions, int b) {
    List<Position> next = new ArrayList<>(2);
    Map<Rule, List<Position>> callers = new LinkedHashMap<>();
    for (Position position : withReturns(positions)) {
      step(position, b, next, callers);
    }
    for (Rule.Rank rank : Rule.Rank.values()) {
      if (callers.isEmpty()) {
        break;
      }
      for (Map.Entry<Rule, List<Position>> call : List.copyOf(callers.entrySet())) {
        if (call.getKey().rank() == rank) {
          enter(call.getKey(), call.getValue(), b, next, callers);
        }
      }
    }
    return next.toArray(Position.NOWHERE);
  }

  private void enter(Rule rule, List<Position> returns, int b, List<Position> next,
      Map<Rule, List<Position>> callers) {
    int depth = 0;
    for (Position position : returns) {
      depth = Math.max(depth, position.frame().depth() + rule.weight());
    }
    step(new Position(rule, 0, new Frame(returns.toArray(Position.NOWHERE), depth)), b, next, callers);
  }

  private void step(Position position, int b, List<Position> next, Map<Rule, List<Position>> callers) {
    Rule rule = position.rule();
    int step = rule.step(position.state(), b);
    if (step == 0) {
      return;
    }
    int depth = position.frame().depth();
    int target = Rule.target(step);
    if (target != Dfa.NONE && depth + rule.height(target) <= maxDepth) {
      addNew(next, new Position(rule, target, position.frame()));
    }
    if (Rule.isSimple(step)) {
      return;
    }
    for (RuleEdge edge : rule.calls(position.state())) {
      Rule called = edge.rule();
      if (called.first().contains(b) && mayCall(position, edge)) {
        addNew(callers.computeIfAbsent(called, r -> new ArrayList<>(1)),
            new Position(rule, edge.target(), position.frame()));
      }
    }
  }

  /** {@code positions}, and where those that have completed their rule return to. */
  private static List<Position> withReturns(Position[] positions) {
    List<Position> all = new ArrayList<>(Arrays.asList(positions));
    for (int i = 0; i < all.size(); i++) {
      Position position = all.get(i);
      if (position.rule().accepts(position.state())) {
        for (Position back : position.frame().returns()) {
          addNew(all, back);
        }
      }
    }
    return all;
  }

  private static void addNew(List<Position> list, Position position) {
    if (!list.contains(position)) {
      list.add(position);
    }
  }

  /** Whether the rule that the positions began with may be complete here. */
  static boolean mayEnd(Position[] positions) {
    for (Position position : withReturns(positions)) {
      if (position.rule().accepts(position.state()) && position.frame().isOutermost()) {
        return true;
      }
    }
    return false;
  }
}
