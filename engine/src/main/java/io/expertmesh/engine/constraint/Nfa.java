package io.expertmesh.engine.constraint;

import io.expertmesh.engine.constraint.Expr.Automaton;
import io.expertmesh.engine.constraint.Expr.Bytes;
import io.expertmesh.engine.constraint.Expr.Call;
import io.expertmesh.engine.constraint.Expr.Choice;
import io.expertmesh.engine.constraint.Expr.Repeat;
import io.expertmesh.engine.constraint.Expr.Sequence;
import io.expertmesh.engine.constraint.Expr.Text;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A nondeterministic automaton under construction (Thompson's construction). Edges carry a range of bytes, a rule to
 * call, or nothing.
 */
final class Nfa {
  static final int NO_EDGE = -1;
  static final int SILENT = -1;
  /** An edge that calls rule {@code r} has {@code CALL - r} in place of its lowest byte. */
  static final int CALL = -2;
  /** Where an automaton is too large to be worth compiling: some 30 MB while it is built. */
  private static final int MAX_STATES = 500_000;

  private final List<Rule> rules = new ArrayList<>();
  private final Map<Rule, Integer> ruleIndex = new HashMap<>();
  private int[] lastEdge = new int[64];
  private int states;
  private final IntList previousEdge = new IntList();
  private final IntList low = new IntList();
  private final IntList high = new IntList();
  private final IntList target = new IntList();

  /** A new state without edges. */
  int state() {
    if (states == MAX_STATES) {
      throw new GrammarTooLargeException("it needs more than " + MAX_STATES + " automaton states");
    }
    if (states == lastEdge.length) {
      lastEdge = Arrays.copyOf(lastEdge, 2 * states);
    }
    lastEdge[states] = NO_EDGE;
    return states++;
  }

  void silent(int from, int to) {
    edge(from, SILENT, SILENT, to);
  }

  void bytes(int from, int lowest, int highest, int to) {
    edge(from, lowest, highest, to);
  }

  void call(int from, Rule rule, int to) {
    Integer index = ruleIndex.get(rule);
    if (index == null) {
      index = rules.size();
      rules.add(rule);
      ruleIndex.put(rule, index);
    }
    edge(from, CALL - index, CALL - index, to);
  }

  private void edge(int from, int lowest, int highest, int to) {
    previousEdge.add(lastEdge[from]);
    lastEdge[from] = low.size();
    low.add(lowest);
    high.add(highest);
    target.add(to);
  }

  /** Appends {@code expr} behind {@code from} and returns the state in which it has matched. */
  int append(int from, Expr expr) {
    return switch (expr) {
      case Bytes(int lowest, int highest) -> {
        int to = state();
        bytes(from, lowest, highest, to);
        yield to;
      }
      case Text(byte[] text) -> {
        int at = from;
        for (byte b : text) {
          int next = state();
          bytes(at, b & 0xFF, b & 0xFF, next);
          at = next;
        }
        yield at;
      }
      case Sequence(List<Expr> parts) -> {
        int at = from;
        for (Expr part : parts) {
          at = append(at, part);
        }
        yield at;
      }
      case Choice(List<Expr> options) -> {
        int to = state();
        for (Expr option : options) {
          int start = state();
          silent(from, start);
          silent(append(start, option), to);
        }
        yield to;
      }
      case Repeat repeat -> appendRepeat(from, repeat);
      case Call(Rule rule) -> {
        int to = state();
        call(from, rule, to);
        yield to;
      }
      case Automaton(Dfa dfa) -> dfa.appendTo(this, from);
    };
  }

  private int appendRepeat(int from, Repeat repeat) {
    int at = from;
    for (int i = 0; i < repeat.min(); i++) {
      at = append(at, repeat.body());
    }
    int to = state();
    if (repeat.max() == Expr.UNBOUNDED) {
      int loop = state();
      silent(at, loop);
      silent(append(loop, repeat.body()), loop);
      silent(loop, to);
      return to;
    }
    for (int i = repeat.min(); i < repeat.max(); i++) {
      silent(at, to);
      at = append(at, repeat.body());
    }
    silent(at, to);
    return to;
  }

  int states() {
    return states;
  }

  int lastEdge(int state) {
    return lastEdge[state];
  }

  int previousEdge(int edge) {
    return previousEdge.get(edge);
  }

  int low(int edge) {
    return low.get(edge);
  }

  int high(int edge) {
    return high.get(edge);
  }

  int target(int edge) {
    return target.get(edge);
  }

  Rule rule(int index) {
    return rules.get(index);
  }

  int rules() {
    return rules.size();
  }

  ByteClasses.Builder classes() {
    ByteClasses.Builder builder = new ByteClasses.Builder();
    for (int edge = 0; edge < low.size(); edge++) {
      if (low.get(edge) >= 0) {
        builder.range(low.get(edge), high.get(edge));
      }
    }
    return builder;
  }

  /** The automaton of {@code expr} alone, over all bytes. */
  static Dfa compile(Expr expr) {
    return compile(expr, ByteSet.all());
  }

  /** The automaton of {@code expr} that can go on only by bytes of {@code alphabet}. */
  static Dfa compile(Expr expr, ByteSet alphabet) {
    Nfa nfa = new Nfa();
    int start = nfa.state();
    int end = nfa.append(start, expr);
    return new SubsetConstruction(nfa, alphabet).run(start, end);
  }
}
