package io.expertmesh.model.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Splits a template into tokens with {@code trim_blocks} and {@code lstrip_blocks} (Jinja2's {@code lexer.py}). */
final class Lexer {
  private static final Pattern RAW = Pattern.compile("\\s*raw\\s*(-%\\}\\s*|%\\})", Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern END_RAW = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*(\\+%\\}|-%\\}\\s*|%\\}\\n?)",
      Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern NUMBER = Pattern.compile("\\d[\\d_]*(\\.\\d[\\d_]*)?([eE][-+]?\\d+)?");
  private static final List<String> OPERATORS = List.of("//", "**", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%",
      "~",
      "(", ")", "[", "]", "{", "}", "<", ">", "=", ".", ":", "|", ",", ";");

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int position;
  private int line = 1;
  private int lineCountedTo;
  /** Whether the last tag took the newline after it, so that what follows starts a line. */
  private boolean lineStarting = true;

  private Lexer(String template) {
    String unix = template.replace("\r\n", "\n").replace('\r', '\n');
    source = unix.endsWith("\n") ? unix.substring(0, unix.length() - 1) : unix;
  }

  static List<Token> tokens(String template) {
    return new Lexer(template).run();
  }

  private List<Token> run() {
    while (position < source.length()) {
      int tag = nextTag();
      if (tag < 0) {
        data(source.substring(position));
        position = source.length();
        break;
      }
      char kind = source.charAt(tag + 1);
      char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
      boolean signed = sign == '-' || sign == '+';
      data(before(source.substring(position, tag), sign, kind != '{'));
      position = tag + (signed ? 3 : 2);
      switch (kind) {
        case '{' -> expression(Token.Type.VARIABLE_BEGIN, Token.Type.VARIABLE_END, "}}");
        case '#' -> comment();
        default -> {
          if (!raw()) {
            expression(Token.Type.BLOCK_BEGIN, Token.Type.BLOCK_END, "%}");
          }
        }
      }
      lineStarting = source.charAt(position - 1) == '\n';
    }
    add(Token.Type.END, "");
    return tokens;
  }

  private int nextTag() {
    for (int at = source.indexOf('{', position); at >= 0
        && at + 1 < source.length(); at = source.indexOf('{', at + 1)) {
      char next = source.charAt(at + 1);
      if (next == '{' || next == '%' || next == '#') {
        return at;
      }
    }
    return -1;
  }

  /** The text before a tag, less what {@code -} or {@code lstrip_blocks} take from its end. */
  private String before(String text, char sign, boolean block) {
    if (sign == '-') {
      return Text.stripEnd(text);
    }
    if (sign != '+' && block) {
      int lineStart = text.lastIndexOf('\n') + 1;
      if ((lineStart > 0 || lineStarting) && Text.isBlank(text, lineStart)) {
        return text.substring(0, lineStart);
      }
    }
    return text;
  }

  private void data(String text) {
    if (!text.isEmpty()) {
      add(Token.Type.DATA, text);
    }
  }

  private void comment() {
    int end = source.indexOf("#}", position);
    if (end < 0) {
      throw JinjaException.syntax(line(), "Missing end of comment tag");
    }
    char sign = end > position ? source.charAt(end - 1) : ' ';
    position = end + 2;
    afterTag(sign, true);
  }

  /** Takes what the end of a tag takes from the text behind it. */
  private void afterTag(char sign, boolean block) {
    if (sign == '-') {
      while (position < source.length() && Text.isSpace(source.charAt(position))) {
        position++;
      }
    } else if (block && sign != '+' && position < source.length() && source.charAt(position) == '\n') {
      position++;
    }
  }

  private boolean raw() {
    Matcher begin = RAW.matcher(source).region(position, source.length());
    if (!begin.lookingAt()) {
      return false;
    }
    Matcher end = END_RAW.matcher(source);
    if (!end.find(begin.end())) {
      throw JinjaException.syntax(line(), "Missing end of raw directive");
    }
    String sign = end.group(1);
    lineStarting = source.charAt(begin.end() - 1) == '\n';
    data(before(source.substring(begin.end(), end.start()), sign.isEmpty() ? ' ' : sign.charAt(0), true));
    position = end.end();
    return true;
  }

  private void expression(Token.Type begin, Token.Type end, String closing) {
    add(begin, "");
    int open = 0;
    while (true) {
      while (position < source.length() && Text.isSpace(source.charAt(position))) {
        position++;
      }
      if (position >= source.length()) {
        throw JinjaException.syntax(line(), "unexpected end of template");
      }
      char c = source.charAt(position);
      boolean signed = (c == '-' || (c == '+' && end == Token.Type.BLOCK_END))
          && source.startsWith(closing, position + 1);
      if (open == 0 && (signed || source.startsWith(closing, position))) {
        position += signed ? 3 : 2;
        add(end, "");
        afterTag(signed ? c : ' ', end == Token.Type.BLOCK_END);
        return;
      }
      if (c == '(' || c == '[' || c == '{') {
        open++;
      } else if (c == ')' || c == ']' || c == '}') {
        open--;
      }
      token(c);
    }
  }

  private void token(char c) {
    if (c == '\'' || c == '"') {
      string(c);
    } else if (Character.isDigit(c)) {
      Matcher number = NUMBER.matcher(source).region(position, source.length());
      if (!number.lookingAt()) {
        throw JinjaException.syntax(line(), "unexpected char '%s'".formatted(c));
      }
      boolean fraction = number.group(1) != null || number.group(2) != null;
      add(fraction ? Token.Type.FLOAT : Token.Type.INTEGER, number.group().replace("_", ""));
      position = number.end();
    } else if (Character.isUnicodeIdentifierStart(c) || c == '_') {
      int start = position;
      while (position < source.length() && Character.isUnicodeIdentifierPart(source.charAt(position))) {
        position++;
      }
      add(Token.Type.NAME, source.substring(start, position));
    } else {
      for (String operator : OPERATORS) {
        if (source.startsWith(operator, position)) {
          add(Token.Type.OPERATOR, operator);
          position += operator.length();
          return;
        }
      }
      throw JinjaException.syntax(line(), "unexpected char '%s'".formatted(c));
    }
  }

  private void string(char quote) {
    int end = position + 1;
    while (end < source.length() && source.charAt(end) != quote) {
      end += source.charAt(end) == '\\' ? 2 : 1;
    }
    if (end >= source.length()) {
      throw JinjaException.syntax(line(), "unexpected char '%s'".formatted(quote));
    }
    add(Token.Type.STRING, Text.unescape(source.substring(position + 1, end)));
    position = end + 1;
  }

  private void add(Token.Type type, String text) {
    tokens.add(new Token(type, text, line()));
  }

  private int line() {
    for (; lineCountedTo < Math.min(position, source.length()); lineCountedTo++) {
      if (source.charAt(lineCountedTo) == '\n') {
        line++;
      }
    }
    return line;
  }
}
