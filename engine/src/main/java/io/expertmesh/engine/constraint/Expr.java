package io.expertmesh.engine.constraint;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A regular expression over bytes in which whole {@link Rule}s may be called: what rules are made of. */
sealed interface Expr {
  /** {@link Repeat#max} of a repetition without an upper end. */
  int UNBOUNDED = -1;
  /** Matches the empty text. */
  Expr EMPTY = new Sequence(List.of());
  /** Matches nothing at all. */
  Expr NOTHING = new Choice(List.of());

  /** One byte from {@code low} to {@code high}, both included. */
  record Bytes(int low, int high) implements Expr {}

  record Text(byte[] bytes) implements Expr {}

  record Sequence(List<Expr> parts) implements Expr {}

  record Choice(List<Expr> options) implements Expr {}

  /** {@code body}, at least {@code min} and at most {@code max} times. */
  record Repeat(Expr body, int min, int max) implements Expr {}

  record Call(Rule rule) implements Expr {}

  /** Any text that {@code dfa}, which calls no rules, accepts. */
  record Automaton(Dfa dfa) implements Expr {}

  static Expr text(String text) {
    return new Text(text.getBytes(StandardCharsets.UTF_8));
  }

  static Expr sequence(Expr... parts) {
    return new Sequence(List.of(parts));
  }

  static Expr choice(Expr... options) {
    return new Choice(List.of(options));
  }

  static Expr optional(Expr body) {
    return new Repeat(body, 0, 1);
  }

  static Expr any(Expr body) {
    return new Repeat(body, 0, UNBOUNDED);
  }

  /** One of the ASCII characters and ranges in {@code set}, written as pairs: {@code "azAZ__"}. */
  static Expr oneOf(String set) {
    List<Expr> options = new ArrayList<>();
    for (int i = 0; i < set.length(); i += 2) {
      options.add(new Bytes(set.charAt(i), set.charAt(i + 1)));
    }
    return new Choice(options);
  }
}
