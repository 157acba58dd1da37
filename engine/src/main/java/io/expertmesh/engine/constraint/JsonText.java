package io.expertmesh.engine.constraint;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * How characters stand in a JSON string (RFC 8259). The <em>canonical</em> writing escapes only what must be escaped
 * and always in the same way, so that each text has exactly one; wherever a string is compared with something (a
 * pattern, a property name, an enum) it is written canonically, and set operations on automata are set operations on
 * texts.
 */
final class JsonText {
  /** One character in canonical writing. */
  static final Expr CHARACTER = canonical(CodePoints.ALL);
  static final Expr HEX_DIGIT = Expr.oneOf("09afAF");

  private static final String SHORT_ESCAPES = "\b\t\n\f\r\"\\";
  private static final String SHORT_LETTERS = "btnfr\"\\";

  private JsonText() {}

  /** {@code text} in canonical writing, with its quotes. */
  static String quoted(String text) {
    StringBuilder out = new StringBuilder("\"");
    text.codePoints().forEach(c -> out.append(escaped(c)));
    return out.append('"').toString();
  }

  /** {@code text} in canonical writing, without quotes. */
  static String unquoted(String text) {
    String quoted = quoted(text);
    return quoted.substring(1, quoted.length() - 1);
  }

  private static String escaped(int codePoint) {
    int escape = SHORT_ESCAPES.indexOf(codePoint);
    if (escape >= 0) {
      return "\\" + SHORT_LETTERS.charAt(escape);
    }
    return codePoint < 0x20 ? String.format("\\u%04x", codePoint) : Character.toString(codePoint);
  }

  /** Any one of {@code points} in canonical writing. */
  static Expr canonical(CodePoints points) {
    List<Expr> options = new ArrayList<>();
    for (int i = 0; i < points.bounds().size(); i += 2) {
      int low = points.bounds().get(i);
      int high = points.bounds().get(i + 1);
      for (int c = low; c <= Math.min(high, 0x7F); c++) {
        options.add(Expr.text(escaped(c)));
      }
      addUtf8(Math.max(low, 0x80), high, options);
    }
    return new Expr.Choice(options);
  }

  /** Splits a range of code points above ASCII into sequences of byte ranges (Russ Cox's method). */
  private static void addUtf8(int low, int high, List<Expr> options) {
    if (low > high) {
      return;
    }
    for (int limit : new int[]{0x7FF, 0xFFFF}) {
      if (low <= limit && high > limit) {
        addUtf8(low, limit, options);
        addUtf8(limit + 1, high, options);
        return;
      }
    }
    for (int shift = 6; shift <= 18; shift += 6) {
      int mask = (1 << shift) - 1;
      if ((low & ~mask) != (high & ~mask)) {
        if ((low & mask) != 0) {
          addUtf8(low, low | mask, options);
          addUtf8((low | mask) + 1, high, options);
          return;
        }
        if ((high & mask) != mask) {
          addUtf8(low, (high & ~mask) - 1, options);
          addUtf8(high & ~mask, high, options);
          return;
        }
      }
    }
    byte[] first = Character.toString(low).getBytes(StandardCharsets.UTF_8);
    byte[] last = Character.toString(high).getBytes(StandardCharsets.UTF_8);
    List<Expr> sequence = new ArrayList<>();
    for (int i = 0; i < first.length; i++) {
      sequence.add(new Expr.Bytes(first[i] & 0xFF, last[i] & 0xFF));
    }
    options.add(new Expr.Sequence(sequence));
  }

  /** ASCII characters that stand for themselves. */
  static Expr plainAscii() {
    return Expr.choice(new Expr.Bytes(0x20, 0x21), new Expr.Bytes(0x23, 0x5B), new Expr.Bytes(0x5D, 0x7F));
  }

  /** One character in any other writing: above ASCII, or as an escape; surrogates only in pairs. */
  static Expr rareCharacter() {
    Expr hex2 = new Expr.Repeat(HEX_DIGIT, 2, 2);
    Expr hex3 = new Expr.Repeat(HEX_DIGIT, 3, 3);
    Expr notSurrogate = Expr.choice(
        Expr.sequence(Expr.oneOf("09acefACEF"), hex3),
        Expr.sequence(Expr.oneOf("ddDD"), Expr.oneOf("07"), hex2));
    Expr highSurrogate = Expr.sequence(Expr.oneOf("ddDD"), Expr.oneOf("89abAB"), hex2);
    Expr lowSurrogate = Expr.sequence(Expr.oneOf("ddDD"), Expr.oneOf("cfCF"), hex2);
    List<Expr> options = new ArrayList<>();
    addUtf8(0x80, 0xD7FF, options);
    addUtf8(0xE000, CodePoints.MAX, options);
    options.add(Expr.sequence(Expr.text("\\"), Expr.oneOf("\"\"\\\\//bbffnnrrtt")));
    options.add(Expr.sequence(Expr.text("\\u"), notSurrogate));
    options.add(Expr.sequence(Expr.text("\\u"), highSurrogate, Expr.text("\\u"), lowSurrogate));
    return new Expr.Choice(options);
  }

  /** What may stand between the parts of an object or array: a space, or a line end and an indent; never more. */
  static Expr whitespace() {
    return Expr.choice(Expr.text(" "), Expr.sequence(Expr.text("\n"),
        Expr.choice(new Expr.Repeat(Expr.text(" "), 0, 64), new Expr.Repeat(Expr.text("\t"), 1, 16))));
  }
}
