package io.expertmesh.engine.constraint;

import io.expertmesh.engine.constraint.RegexParser.UnsupportedPatternException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a conjunction says about a string.
 *
 * @param minLength in code points
 * @param maxLength in code points, {@link Expr#UNBOUNDED} if there is no limit
 * @param patterns automata over the canonical writing, without quotes, all of which must accept
 */
record StringFacets(int minLength, int maxLength, List<Dfa> patterns) {
  /** Longer limits are taken for this one: answers are shorter than they could be, and valid. */
  static final int MAX_LENGTH = 10_000;

  private static final int MAX_SPELLED_OUT = 256;

  static StringFacets of(Conjunction schema) {
    int min = schema.largest("minLength");
    int max = schema.smallest("maxLength");
    if (min > MAX_LENGTH && max >= min) {
      throw schema.partWith("minLength").unsupported("minLength", "lengths up to " + MAX_LENGTH + " are");
    }
    List<Dfa> patterns = new ArrayList<>();
    for (SchemaPart part : schema.parts()) {
      if (part.has("pattern")) {
        patterns.add(compile(part));
      }
      Dfa format = part.has("format") ? StringFormats.automaton(part.text("format")) : null;
      if (format != null) {
        patterns.add(format);
      }
    }
    return new StringFacets(min, max == Integer.MAX_VALUE ? Expr.UNBOUNDED : Math.min(max, MAX_LENGTH), patterns);
  }

  private static Dfa compile(SchemaPart part) {
    try {
      return Nfa.compile(RegexParser.parse(part.text("pattern")));
    } catch (UnsupportedPatternException | GrammarTooLargeException e) {
      throw part.unsupported("pattern", String.valueOf(e.getMessage()));
    }
  }

  boolean isFree() {
    return patterns.isEmpty() && !isBounded();
  }

  private boolean isBounded() {
    return minLength > 0 || maxLength != Expr.UNBOUNDED;
  }

  private boolean isImpossible() {
    return maxLength != Expr.UNBOUNDED && maxLength < minLength;
  }

  /** The canonical writings, without quotes, of the strings that satisfy everything. */
  Dfa content() {
    if (isImpossible()) {
      return Nfa.compile(Expr.NOTHING);
    }
    Dfa all = null;
    for (Dfa pattern : patterns) {
      all = and(all, pattern);
    }
    if (all == null || isBounded()) {
      all = and(all, Nfa.compile(new Expr.Repeat(JsonText.CHARACTER, minLength, maxLength)));
    }
    return all;
  }

  private static Dfa and(@Nullable Dfa left, Dfa right) {
    return left == null ? right : left.and(right);
  }

  /** The string with its quotes; any writing of a character is allowed when only the length counts. */
  Expr expression(Rule rareCharacter) {
    Expr quote = Expr.text("\"");
    if (isImpossible()) {
      return Expr.NOTHING;
    }
    if (!patterns.isEmpty()) {
      return Expr.sequence(quote, new Expr.Automaton(content()), quote);
    }
    // A call is smaller, and slower to walk over with a whole vocabulary.
    boolean spelledOut = Math.max(minLength, maxLength) <= MAX_SPELLED_OUT;
    Expr rare = spelledOut ? JsonText.rareCharacter() : new Expr.Call(rareCharacter);
    Expr character = Expr.choice(JsonText.plainAscii(), rare);
    return Expr.sequence(quote, new Expr.Repeat(character, minLength, maxLength), quote);
  }
}
