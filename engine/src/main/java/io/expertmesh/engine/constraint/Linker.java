package io.expertmesh.engine.constraint;

import io.expertmesh.engine.constraint.Dfa.RuleEdge;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Completes a set of rules that call one another: finds how deep each state still has to nest, removes every step from
 * which the answer could never be completed, and prepares the tables. After this no walk over the rules can get stuck.
 */
final class Linker {
  private final List<Rule> rules;

  private Linker(List<Rule> rules) {
    this.rules = rules;
  }

  /** Links {@code rules}; what they call is among them or was linked before. */
  static void link(List<Rule> rules) {
    Linker linker = new Linker(rules);
    linker.findHeights();
    linker.removeDeadEnds();
    linker.findFirstBytes();
    for (Rule rule : rules) {
      rule.buildSteps();
    }
  }

  private void findHeights() {
    List<int[]> levels = new ArrayList<>();
    for (Rule rule : rules) {
      int[] heights = new int[rule.dfa().states()];
      Arrays.fill(heights, Rule.NEVER);
      rule.setHeights(heights);
      levels.add(heights);
    }
    boolean changed = true;
    while (changed) {
      changed = false;
      for (int i = rules.size() - 1; i >= 0; i--) {
        while (lower(rules.get(i), levels.get(i))) {
          changed = true;
        }
      }
    }
  }

  /** One pass over the states, last first: automata are numbered away from their start. */
  private static boolean lower(Rule rule, int[] heights) {
    Dfa dfa = rule.dfa();
    boolean changed = false;
    for (int state = dfa.states() - 1; state >= 0; state--) {
      int best = dfa.accepting().get(state) ? 0 : heights[state];
      for (int c = 0; c < dfa.classes().count() && best > 0; c++) {
        int next = dfa.next(state, c);
        if (next != Dfa.NONE) {
          best = Math.min(best, heights[next]);
        }
      }
      for (RuleEdge edge : dfa.calls()[state]) {
        int inside = edge.rule().weight() + edge.rule().height(0);
        best = Math.min(best, Math.max(inside, heights[edge.target()]));
      }
      changed |= best < heights[state];
      heights[state] = best;
    }
    return changed;
  }

  private void removeDeadEnds() {
    for (Rule rule : rules) {
      Dfa dfa = rule.dfa();
      int[] table = dfa.table().clone();
      for (int i = 0; i < table.length; i++) {
        if (table[i] != Dfa.NONE && rule.height(table[i]) >= Rule.NEVER) {
          table[i] = Dfa.NONE;
        }
      }
      RuleEdge[][] calls = new RuleEdge[dfa.states()][];
      for (int state = 0; state < calls.length; state++) {
        List<RuleEdge> kept = new ArrayList<>();
        for (RuleEdge edge : dfa.calls()[state]) {
          if (edge.rule().height(0) < Rule.NEVER && rule.height(edge.target()) < Rule.NEVER) {
            kept.add(edge);
          }
        }
        calls[state] = kept.toArray(new RuleEdge[0]);
      }
      rule.define(new Dfa(dfa.classes(), table, dfa.accepting(), calls));
    }
  }

  private void findFirstBytes() {
    for (Rule rule : rules) {
      ByteSet first = new ByteSet();
      for (int b = 0; b < 256; b++) {
        if (rule.dfa().next(0, rule.dfa().classes().of(b)) != Dfa.NONE) {
          first.add(b);
        }
      }
      rule.setFirst(first);
    }
    boolean changed = true;
    while (changed) {
      changed = false;
      for (Rule rule : rules) {
        for (RuleEdge edge : rule.calls(0)) {
          changed |= rule.first().addAll(edge.rule().first());
        }
      }
    }
  }
}
