package io.expertmesh.engine.constraint;

import java.util.List;

/**
 * The automata of objects and arrays, with the white space that may stand in them: one optional space behind a colon, and
 * {@link JsonText#whitespace} once behind a bracket or comma and before the closing bracket.
 */
final class Containers {
  private static final Expr COLON = Expr.sequence(Expr.text(":"), Expr.optional(Expr.text(" ")));
  private static final Expr COMMA = Expr.text(",");

  private final ByteSet alphabet;
  private final Expr whitespace;

  /** A property whose name is known. */
  record Property(String name, Rule value, boolean required) {}

  /** Properties of many names: {@code key} is the name with its quotes. */
  record OpenKey(Expr key, Rule value) {}

  Containers(Rule whitespace, ByteSet alphabet) {
    this.alphabet = alphabet;
    this.whitespace = Expr.optional(new Expr.Call(whitespace));
  }

  /**
   * Known properties in their order, each at most once, then any number of {@code open} ones.
   *
   * @param min properties that there must be; of the open ones only one counts, since two may have the same name
   * @param max properties that there may be
   */
  Dfa object(List<Property> properties, List<OpenKey> open, int min, int max) {
    return new ObjectAutomaton(properties, open, min, max).build();
  }

  /** One object's automaton while it is built. */
  private final class ObjectAutomaton {
    private final Nfa nfa = new Nfa();
    private final List<Property> properties;
    private final List<OpenKey> open;
    private final int min;
    private final int max;
    /** As far as the number of properties is counted. */
    private final int counted;
    private final int end;

    ObjectAutomaton(List<Property> properties, List<OpenKey> open, int min, int max) {
      this.properties = properties;
      this.open = open;
      this.min = min;
      this.max = max;
      counted = max == Integer.MAX_VALUE ? Math.max(1, min) : max;
      end = nfa.state();
    }

    Dfa build() {
      int begin = nfa.state();
      int opened = nfa.append(nfa.append(begin, Expr.text("{")), whitespace);
      int known = properties.size();
      // key[i][n]: a name must come, of property i or later, and n properties are there; done[i][n]: a value has ended.
      int[][] key = states(known + 1);
      int[][] done = states(known + 1);
      nfa.silent(opened, key[0][0]);
      if (min == 0 && noneRequiredFrom(0)) {
        nfa.silent(nfa.append(opened, Expr.text("}")), end);
      }
      for (int i = 0; i <= known; i++) {
        for (int n = 0; n <= counted; n++) {
          if (n > 0) {
            mayGoOn(done[i][n], key[i][n], n);
            mayClose(done[i][n], n >= min && noneRequiredFrom(i));
          }
          if (i < known && n < max) {
            Property property = properties.get(i);
            int behindKey = nfa.append(key[i][n], Expr.text(JsonText.quoted(property.name())));
            value(behindKey, property.value(), done[i + 1][Math.min(n + 1, counted)]);
            if (!property.required()) {
              nfa.silent(key[i][n], key[i + 1][n]);
            }
          }
        }
      }
      openProperties(key[known]);
      return new SubsetConstruction(nfa, alphabet).run(begin, end);
    }

    private void openProperties(int[] key) {
      // Whether enough properties are there is decided by the first open one; how many there are goes on being counted.
      int[][] behind = {states(), states()};
      int[][] next = {states(), states()};
      for (int n = 0; n <= counted; n++) {
        openProperty(key[n], n, behind[n + 1 >= min ? 1 : 0]);
        for (int enough = 0; enough <= 1; enough++) {
          mayGoOn(behind[enough][n], next[enough][n], n);
          openProperty(next[enough][n], n, behind[enough]);
          mayClose(behind[enough][n], enough == 1);
        }
      }
    }

    private void openProperty(int from, int n, int[] behind) {
      if (n < max) {
        for (OpenKey property : open) {
          value(nfa.append(from, property.key()), property.value(), behind[Math.min(n + 1, counted)]);
        }
      }
    }

    private void value(int behindKey, Rule value, int to) {
      nfa.call(nfa.append(behindKey, COLON), value, to);
    }

    private void mayGoOn(int done, int key, int n) {
      if (n < max) {
        nfa.silent(nfa.append(nfa.append(done, COMMA), whitespace), key);
      }
    }

    private void mayClose(int done, boolean allowed) {
      if (allowed) {
        nfa.silent(nfa.append(nfa.append(done, whitespace), Expr.text("}")), end);
      }
    }

    private boolean noneRequiredFrom(int property) {
      for (int i = property; i < properties.size(); i++) {
        if (properties.get(i).required()) {
          return false;
        }
      }
      return true;
    }

    private int[] states() {
      return states(1)[0];
    }

    private int[][] states(int rows) {
      int[][] states = new int[rows][counted + 1];
      for (int[] row : states) {
        for (int n = 0; n <= counted; n++) {
          row[n] = nfa.state();
        }
      }
      return states;
    }
  }

  /** Items, each by the rule of its place, behind {@code first} by {@code rest}. */
  Dfa array(List<Rule> first, Rule rest, int min, int max) {
    Nfa nfa = new Nfa();
    int begin = nfa.state();
    int end = nfa.state();
    int opened = nfa.append(nfa.append(begin, Expr.text("[")), whitespace);
    if (min == 0) {
      nfa.silent(nfa.append(opened, Expr.text("]")), end);
    }
    int counted = max == Integer.MAX_VALUE ? Math.max(first.size(), min) : max;
    int item = opened;
    for (int i = 0; i < max; i++) {
      int done = nfa.state();
      nfa.call(item, i < first.size() ? first.get(i) : rest, done);
      if (i + 1 >= min) {
        nfa.silent(nfa.append(nfa.append(done, whitespace), Expr.text("]")), end);
      }
      item = nfa.append(nfa.append(done, COMMA), whitespace);
      if (i == counted && max == Integer.MAX_VALUE) {
        nfa.call(item, rest, done);
        break;
      }
    }
    return new SubsetConstruction(nfa, alphabet).run(begin, end);
  }
}
