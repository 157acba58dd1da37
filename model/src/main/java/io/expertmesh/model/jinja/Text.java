package io.expertmesh.model.jinja;

/** Text as Python sees it. */
final class Text {
  private Text() {}

  /** Python's {@code str.isspace} for one character. */
  static boolean isSpace(char c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085';
  }

  static boolean isBlank(String text, int from) {
    for (int i = from; i < text.length(); i++) {
      if (!isSpace(text.charAt(i))) {
        return false;
      }
    }
    return true;
  }

  static String stripStart(String text) {
    int start = 0;
    while (start < text.length() && isSpace(text.charAt(start))) {
      start++;
    }
    return text.substring(start);
  }

  static String stripEnd(String text) {
    int end = text.length();
    while (end > 0 && isSpace(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(0, end);
  }

  static String stripStart(String text, String characters) {
    int start = 0;
    while (start < text.length() && characters.indexOf(text.charAt(start)) >= 0) {
      start++;
    }
    return text.substring(start);
  }

  static String stripEnd(String text, String characters) {
    int end = text.length();
    while (end > 0 && characters.indexOf(text.charAt(end - 1)) >= 0) {
      end--;
    }
    return text.substring(0, end);
  }

  /** A string literal's value: Python's escapes; an unknown one stays as it is. */
  static String unescape(String literal) {
    if (literal.indexOf('\\') < 0) {
      return literal;
    }
    StringBuilder out = new StringBuilder(literal.length());
    int i = 0;
    while (i < literal.length()) {
      char c = literal.charAt(i++);
      if (c != '\\' || i == literal.length()) {
        out.append(c);
        continue;
      }
      char escape = literal.charAt(i++);
      switch (escape) {
        case 'n' -> out.append('\n');
        case 't' -> out.append('\t');
        case 'r' -> out.append('\r');
        case 'b' -> out.append('\b');
        case 'f' -> out.append('\f');
        case 'a' -> out.append('\u0007');
        case 'v' -> out.append('\u000B');
        case '0' -> out.append('\0');
        case '\\', '\'', '"' -> out.append(escape);
        case '\n' -> {
          // A backslash at the end of a line continues it.
        }
        case 'x' -> i = hex(literal, i, 2, out);
        case 'u' -> i = hex(literal, i, 4, out);
        case 'U' -> i = hex(literal, i, 8, out);
        default -> out.append('\\').append(escape);
      }
    }
    return out.toString();
  }

  private static int hex(String literal, int from, int digits, StringBuilder out) {
    int end = from + digits;
    try {
      out.appendCodePoint(Integer.parseInt(literal.substring(from, end), 16));
      return end;
    } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
      throw new JinjaException(JinjaException.Kind.SYNTAX, "truncated escape in string '%s'".formatted(literal));
    }
  }

  /** Python's {@code repr} of a string. */
  static String quote(String text) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    StringBuilder out = new StringBuilder(text.length() + 2).append(quote);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '\n' -> out.append("\\n");
        case '\t' -> out.append("\\t");
        case '\r' -> out.append("\\r");
        case '\\' -> out.append("\\\\");
        default -> {
          if (c == quote) {
            out.append('\\').append(c);
          } else if (c < ' ' || (c >= 0x7F && c <= 0xA0)) {
            out.append("\\x%02x".formatted((int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    return out.append(quote).toString();
  }
}
