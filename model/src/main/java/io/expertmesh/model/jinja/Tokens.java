package io.expertmesh.model.jinja;

import java.util.List;

/** A template's tokens with a reading position. */
final class Tokens {
  private final List<Token> tokens;
  private int position;

  Tokens(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token current() {
    return tokens.get(position);
  }

  Token ahead() {
    return tokens.get(Math.min(position + 1, tokens.size() - 1));
  }

  Token next() {
    Token token = current();
    if (!token.is(Token.Type.END)) {
      position++;
    }
    return token;
  }

  boolean skipOperator(String operator) {
    boolean there = current().isOperator(operator);
    if (there) {
      next();
    }
    return there;
  }

  boolean skipName(String name) {
    boolean there = current().isName(name);
    if (there) {
      next();
    }
    return there;
  }

  void expectOperator(String operator) {
    if (!skipOperator(operator)) {
      throw unexpected("'%s'".formatted(operator));
    }
  }

  Token expect(Token.Type type, String what) {
    if (!current().is(type)) {
      throw unexpected(what);
    }
    return next();
  }

  JinjaException unexpected(String wanted) {
    Token token = current();
    String got = switch (token.type()) {
      case END -> "end of template";
      case VARIABLE_END -> "end of print statement";
      case BLOCK_END -> "end of statement block";
      default -> "'%s'".formatted(token.text());
    };
    return fail("expected %s, got %s".formatted(wanted, got));
  }

  JinjaException fail(String message) {
    return JinjaException.syntax(current().line(), message);
  }
}
