package io.expertmesh.engine.constraint;

import java.util.ArrayList;
import java.util.List;

/**
 * Reads the part of ECMA-262 regular expressions that denotes regular languages, for strings in canonical JSON writing
 * ({@link JsonText}). As JSON Schema says, a pattern may match anywhere unless it is anchored. Where dialects differ
 * ({@code .}, {@code \s}, {@code \S}), what is built matches in all of them.
 */
final class RegexParser {
  private static final int MAX_COUNT = 10_000;
  private static final CodePoints DIGIT = CodePoints.of("09");
  private static final CodePoints WORD = CodePoints.of("azAZ09__");
  private static final CodePoints SPACE = CodePoints.of("\t\r  ");
  /** White space in any dialect, for use in complements. */
  private static final CodePoints ANY_SPACE = SPACE.with(CodePoints.of(
      "\u001C\u001F\u0085\u0085\u00A0\u00A0\u1680\u1680\u180E\u180E\u2000\u200A\u2028\u2029\u202F\u202F\u205F\u205F\u3000\u3000\uFEFF\uFEFF"));
  private static final CodePoints DOT = CodePoints.of("\n\n\r\r\u0085\u0085\u2028\u2029").complement();

  /** A pattern that is wrong or goes beyond what automata can do. */
  static final class UnsupportedPatternException extends Exception {
    private static final long serialVersionUID = 1L;

    UnsupportedPatternException(String message) {
      super(message);
    }
  }

  private final String pattern;
  private int at;

  private RegexParser(String pattern) {
    this.pattern = pattern;
  }

  /** The canonical JSON writings, without quotes, of the strings in which {@code pattern} matches somewhere. */
  static Expr parse(String pattern) throws UnsupportedPatternException {
    RegexParser parser = new RegexParser(pattern);
    List<Expr> options = new ArrayList<>();
    do {
      options.add(parser.searched());
    } while (parser.take("|"));
    if (parser.at < pattern.length()) {
      throw parser.unsupported("an unmatched )");
    }
    return new Expr.Choice(options);
  }

  /** One top-level alternative, with its anchors. */
  private Expr searched() throws UnsupportedPatternException {
    boolean fromStart = take("^");
    Expr body = sequence();
    boolean toEnd = take("$");
    if (at < pattern.length() && peek() != '|' && peek() != ')') {
      throw unsupported("an anchor in the middle");
    }
    Expr anything = Expr.any(JsonText.CHARACTER);
    return Expr.sequence(fromStart ? Expr.EMPTY : anything, body, toEnd ? Expr.EMPTY : anything);
  }

  private Expr alternatives() throws UnsupportedPatternException {
    List<Expr> options = new ArrayList<>();
    do {
      options.add(sequence());
    } while (take("|"));
    return new Expr.Choice(options);
  }

  private Expr sequence() throws UnsupportedPatternException {
    List<Expr> parts = new ArrayList<>();
    while (at < pattern.length() && "|)$".indexOf(peek()) < 0) {
      parts.add(quantified(atom()));
    }
    return new Expr.Sequence(parts);
  }

  private Expr quantified(Expr body) throws UnsupportedPatternException {
    Expr repeated;
    if (take("*")) {
      repeated = new Expr.Repeat(body, 0, Expr.UNBOUNDED);
    } else if (take("+")) {
      repeated = new Expr.Repeat(body, 1, Expr.UNBOUNDED);
    } else if (take("?")) {
      repeated = Expr.optional(body);
    } else if (take("{")) {
      int min = number();
      int max = take(",") ? (peekIs('}') ? Expr.UNBOUNDED : number()) : min;
      expect("}");
      if (max != Expr.UNBOUNDED && max < min) {
        throw unsupported("the numbers of a {n,m} in the wrong order");
      }
      repeated = new Expr.Repeat(body, min, max);
    } else {
      return body;
    }
    take("?");
    if (at < pattern.length() && "*+?{".indexOf(peek()) >= 0) {
      throw unsupported("a quantifier after a quantifier");
    }
    return repeated;
  }

  private Expr atom() throws UnsupportedPatternException {
    char c = peek();
    return switch (c) {
      case '(' -> group();
      case '[' -> JsonText.canonical(characterClass());
      case '.' -> {
        at++;
        yield JsonText.canonical(DOT);
      }
      case '\\' -> {
        at++;
        yield JsonText.canonical(escape(false));
      }
      case '^' -> throw unsupported("an anchor in the middle");
      case '*', '+', '?', '{', '}', ']' -> throw unsupported("'" + c + "' without a backslash before it");
      default -> JsonText.canonical(CodePoints.range(literal(), pattern.codePointBefore(at)));
    };
  }

  private Expr group() throws UnsupportedPatternException {
    expect("(");
    if (take("?")) {
      if (take("<") && !peekIs('=') && !peekIs('!')) {
        at = pattern.indexOf('>', at) + 1;
        if (at == 0) {
          throw unsupported("a group name without >");
        }
      } else if (!take(":")) {
        throw unsupported("a look-around or inline flag");
      }
    }
    Expr body = alternatives();
    if (peekIs('$')) {
      throw unsupported("an anchor in the middle");
    }
    expect(")");
    return body;
  }

  private CodePoints characterClass() throws UnsupportedPatternException {
    expect("[");
    boolean negated = take("^");
    CodePoints points = CodePoints.NONE;
    while (!peekIs(']')) {
      if (at >= pattern.length()) {
        throw unsupported("a [ without ]");
      }
      if (peekIs('[') || pattern.startsWith("&&", at)) {
        throw unsupported("'" + peek() + "' inside [] without a backslash before it (dialects differ)");
      }
      CodePoints low = classAtom(negated);
      if (peekIs('-') && at + 1 < pattern.length() && pattern.charAt(at + 1) != ']') {
        at++;
        CodePoints high = classAtom(negated);
        if (!isSingle(low) || !isSingle(high) || low.bounds().get(0) > high.bounds().get(0)) {
          throw unsupported("a range without two characters in order");
        }
        points = points.with(low.bounds().get(0), high.bounds().get(0));
      } else {
        points = points.with(low);
      }
    }
    expect("]");
    return negated ? points.complement() : points.and(CodePoints.ALL);
  }

  private static boolean isSingle(CodePoints points) {
    return points.bounds().size() == 2 && points.bounds().get(0).equals(points.bounds().get(1));
  }

  private CodePoints classAtom(boolean negated) throws UnsupportedPatternException {
    if (take("\\")) {
      if (take("b")) {
        return CodePoints.range('\b', '\b');
      }
      return take("-") ? CodePoints.range('-', '-') : escape(negated);
    }
    return CodePoints.range(literal(), pattern.codePointBefore(at));
  }

  private int literal() throws UnsupportedPatternException {
    int c = pattern.codePointAt(at);
    if (c >= 0xD800 && c <= 0xDFFF) {
      throw unsupported("half a surrogate pair");
    }
    at += Character.charCount(c);
    return c;
  }

  /** What follows a backslash. In a negated class, a set stands for what any dialect puts into it. */
  private CodePoints escape(boolean negated) throws UnsupportedPatternException {
    if (at >= pattern.length()) {
      throw unsupported("a backslash at the end");
    }
    char c = pattern.charAt(at++);
    return switch (c) {
      case 'd' -> DIGIT;
      case 'D' -> DIGIT.complement();
      case 'w' -> WORD;
      case 'W' -> WORD.complement();
      case 's' -> negated ? ANY_SPACE : SPACE;
      case 'S' -> negated ? SPACE.complement() : ANY_SPACE.complement();
      case 't' -> CodePoints.range('\t', '\t');
      case 'n' -> CodePoints.range('\n', '\n');
      case 'r' -> CodePoints.range('\r', '\r');
      case 'f' -> CodePoints.range('\f', '\f');
      case 'x' -> hex(2);
      case 'u' -> hex(4);
      default -> {
        if (c > 0x7F || Character.isLetterOrDigit(c)) {
          throw unsupported("\\" + c);
        }
        yield CodePoints.range(c, c);
      }
    };
  }

  private CodePoints hex(int digits) throws UnsupportedPatternException {
    int value = 0;
    for (int i = 0; i < digits; i++, at++) {
      int digit = at < pattern.length() ? Character.digit(pattern.charAt(at), 16) : -1;
      if (digit < 0) {
        throw unsupported("a \\x or \\u without " + digits + " hexadecimal digits");
      }
      value = 16 * value + digit;
    }
    if (value >= 0xD800 && value <= 0xDFFF) {
      throw unsupported("half a surrogate pair");
    }
    return CodePoints.range(value, value);
  }

  private int number() throws UnsupportedPatternException {
    int value = 0;
    int start = at;
    while (at < pattern.length() && peek() >= '0' && peek() <= '9' && value <= MAX_COUNT) {
      value = 10 * value + (pattern.charAt(at++) - '0');
    }
    if (at == start || value > MAX_COUNT) {
      throw unsupported("a { without a count up to " + MAX_COUNT);
    }
    return value;
  }

  private char peek() {
    return pattern.charAt(at);
  }

  private boolean peekIs(char c) {
    return at < pattern.length() && pattern.charAt(at) == c;
  }

  private boolean take(String text) {
    if (pattern.startsWith(text, at)) {
      at += text.length();
      return true;
    }
    return false;
  }

  private void expect(String text) throws UnsupportedPatternException {
    if (!take(text)) {
      throw unsupported("a missing " + text);
    }
  }

  private UnsupportedPatternException unsupported(String what) {
    return new UnsupportedPatternException(what + " at character " + at + " of '" + pattern + "'");
  }
}
