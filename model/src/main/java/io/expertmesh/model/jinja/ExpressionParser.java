package io.expertmesh.model.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads expressions with Jinja2's precedences ({@code parser.py}). */
final class ExpressionParser {
  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
  private static final int MAX_DEPTH = 200;

  private final Tokens tokens;
  private int depth;

  ExpressionParser(Tokens tokens) {
    this.tokens = tokens;
  }

  Expression expression() {
    if (++depth > MAX_DEPTH) {
      throw tokens.fail("expressions are nested more than %d deep".formatted(MAX_DEPTH));
    }
    Expression value = or();
    while (tokens.skipName("if")) {
      Expression test = or();
      value = new Expression.Conditional(test, value, tokens.skipName("else") ? expression() : null);
    }
    depth--;
    return value;
  }

  /** One expression, or several separated by commas, which make a tuple. */
  Expression tuple(boolean conditional) {
    List<Expression> items = new ArrayList<>();
    boolean comma = false;
    while (!endsTuple()) {
      items.add(conditional ? expression() : or());
      if (!tokens.skipOperator(",")) {
        break;
      }
      comma = true;
    }
    if (items.isEmpty()) {
      throw tokens.unexpected("an expression");
    }
    return comma ? new Expression.TupleOf(items) : items.getFirst();
  }

  private boolean endsTuple() {
    Token token = tokens.current();
    return token.is(Token.Type.VARIABLE_END) || token.is(Token.Type.BLOCK_END) || token.isOperator(")")
        || token.isName("in");
  }

  private Expression or() {
    Expression left = and();
    while (tokens.skipName("or")) {
      left = new Expression.Binary("or", left, and());
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (tokens.skipName("and")) {
      left = new Expression.Binary("and", left, not());
    }
    return left;
  }

  private Expression not() {
    if (!tokens.skipName("not")) {
      return comparison();
    }
    if (++depth > MAX_DEPTH) {
      throw tokens.fail("expressions are nested more than %d deep".formatted(MAX_DEPTH));
    }
    Expression negated = new Expression.Unary("not", not());
    depth--;
    return negated;
  }

  private Expression comparison() {
    Expression first = sum();
    List<String> operators = new ArrayList<>();
    List<Expression> operands = new ArrayList<>();
    while (true) {
      Token token = tokens.current();
      if (token.is(Token.Type.OPERATOR) && COMPARISONS.contains(token.text())) {
        operators.add(tokens.next().text());
      } else if (tokens.skipName("in")) {
        operators.add("in");
      } else if (token.isName("not") && tokens.ahead().isName("in")) {
        tokens.next();
        tokens.next();
        operators.add("not in");
      } else {
        return operators.isEmpty() ? first : new Expression.Comparison(first, operators, operands);
      }
      operands.add(sum());
    }
  }

  private Expression sum() {
    Expression left = concatenation();
    while (tokens.current().isOperator("+") || tokens.current().isOperator("-")) {
      left = new Expression.Binary(tokens.next().text(), left, concatenation());
    }
    return left;
  }

  private Expression concatenation() {
    Expression left = product();
    while (tokens.skipOperator("~")) {
      left = new Expression.Binary("~", left, product());
    }
    return left;
  }

  private Expression product() {
    Expression left = power();
    while (tokens.current().isOperator("*") || tokens.current().isOperator("/") || tokens.current().isOperator("//")
        || tokens.current().isOperator("%")) {
      left = new Expression.Binary(tokens.next().text(), left, power());
    }
    return left;
  }

  private Expression power() {
    Expression left = unary(true);
    while (tokens.skipOperator("**")) {
      left = new Expression.Binary("**", left, unary(true));
    }
    return left;
  }

  private Expression unary(boolean withFilters) {
    if (++depth > MAX_DEPTH) {
      throw tokens.fail("expressions are nested more than %d deep".formatted(MAX_DEPTH));
    }
    Expression value;
    if (tokens.current().isOperator("-") || tokens.current().isOperator("+")) {
      value = new Expression.Unary(tokens.next().text(), unary(false));
    } else {
      value = primary();
    }
    value = postfix(value);
    depth--;
    return withFilters ? filters(value) : value;
  }

  private Expression primary() {
    Token token = tokens.next();
    return switch (token.type()) {
      case NAME -> switch (token.text()) {
        case "true", "True" -> new Expression.Constant(true);
        case "false", "False" -> new Expression.Constant(false);
        case "none", "None" -> new Expression.Constant(None.NONE);
        default -> new Expression.Name(token.text());
      };
      case STRING -> {
        StringBuilder text = new StringBuilder(token.text());
        while (tokens.current().is(Token.Type.STRING)) {
          text.append(tokens.next().text());
        }
        yield new Expression.Constant(text.toString());
      }
      case INTEGER -> new Expression.Constant(integer(token));
      case FLOAT -> new Expression.Constant(Double.parseDouble(token.text()));
      case OPERATOR -> switch (token.text()) {
        case "(" -> parenthesised();
        case "[" -> new Expression.ListOf(items("]"));
        case "{" -> dict();
        default -> throw JinjaException.syntax(token.line(), "unexpected '%s'".formatted(token.text()));
      };
      case END -> throw JinjaException.syntax(token.line(), "unexpected end of template");
      default -> throw JinjaException.syntax(token.line(), "Expected an expression, got the end of the tag");
    };
  }

  private static long integer(Token token) {
    try {
      return Long.parseLong(token.text());
    } catch (NumberFormatException e) {
      throw JinjaException.syntax(token.line(), "the number %s is too large".formatted(token.text()));
    }
  }

  private Expression parenthesised() {
    if (tokens.skipOperator(")")) {
      return new Expression.TupleOf(List.of());
    }
    Expression inner = tuple(true);
    tokens.expectOperator(")");
    return inner;
  }

  private List<Expression> items(String closing) {
    List<Expression> items = new ArrayList<>();
    while (!tokens.skipOperator(closing)) {
      if (!items.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skipOperator(closing)) {
          break;
        }
      }
      items.add(expression());
    }
    return items;
  }

  private Expression dict() {
    List<Expression> keys = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!tokens.skipOperator("}")) {
      if (!keys.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skipOperator("}")) {
          break;
        }
      }
      keys.add(expression());
      tokens.expectOperator(":");
      values.add(expression());
    }
    return new Expression.DictOf(keys, values);
  }

  private Expression postfix(Expression start) {
    Expression value = start;
    while (true) {
      if (tokens.skipOperator(".")) {
        Token name = tokens.next();
        value = switch (name.type()) {
          case NAME -> new Expression.Attribute(value, name.text());
          case INTEGER -> new Expression.Item(value, new Expression.Constant(integer(name)));
          default -> throw JinjaException.syntax(name.line(), "expected name or number");
        };
      } else if (tokens.skipOperator("[")) {
        value = subscript(value);
      } else if (tokens.skipOperator("(")) {
        value = new Expression.Call(value, arguments());
      } else {
        return value;
      }
    }
  }

  private Expression subscript(Expression of) {
    Expression start = tokens.current().isOperator(":") ? null : expression();
    if (tokens.skipOperator("]")) {
      if (start == null) {
        throw tokens.unexpected("an expression");
      }
      return new Expression.Item(of, start);
    }
    tokens.expectOperator(":");
    Expression stop = sliceEnd();
    Expression step = tokens.skipOperator(":") ? sliceEnd() : null;
    tokens.expectOperator("]");
    return new Expression.Slice(of, start, stop, step);
  }

  private @Nullable Expression sliceEnd() {
    return tokens.current().isOperator(":") || tokens.current().isOperator("]") ? null : expression();
  }

  /** What follows an opening parenthesis. */
  Expression.Arguments arguments() {
    List<Expression> positional = new ArrayList<>();
    List<String> names = new ArrayList<>();
    List<Expression> named = new ArrayList<>();
    boolean first = true;
    while (!tokens.skipOperator(")")) {
      if (!first) {
        tokens.expectOperator(",");
        if (tokens.skipOperator(")")) {
          break;
        }
      }
      first = false;
      if (tokens.current().is(Token.Type.NAME) && tokens.ahead().isOperator("=")) {
        names.add(tokens.next().text());
        tokens.next();
        named.add(expression());
      } else if (names.isEmpty()) {
        positional.add(expression());
      } else {
        throw tokens.fail("invalid syntax for function call expression");
      }
    }
    return new Expression.Arguments(positional, names, named);
  }

  private Expression filters(Expression start) {
    Expression value = start;
    while (true) {
      if (tokens.current().isOperator("|")) {
        value = filter(value);
      } else if (tokens.skipName("is")) {
        value = test(value);
      } else if (tokens.skipOperator("(")) {
        value = new Expression.Call(value, arguments());
      } else {
        return value;
      }
    }
  }

  /** One {@code |name(arguments)}, or for a block tag {@code name(arguments)|name...}. */
  Expression.Filter filter(@Nullable Expression of) {
    if (of != null) {
      tokens.expectOperator("|");
    }
    Token name = tokens.expect(Token.Type.NAME, "a filter's name");
    if (!Filters.exists(name.text())) {
      throw JinjaException.syntax(name.line(), "No filter named '%s'.".formatted(name.text()));
    }
    Expression.Arguments arguments = tokens.skipOperator("(") ? arguments() : Expression.Arguments.NONE;
    return new Expression.Filter(of, name.text(), arguments);
  }

  private Expression test(Expression of) {
    boolean negated = tokens.skipName("not");
    Token name = tokens.expect(Token.Type.NAME, "a test's name");
    if (!Tests.exists(name.text())) {
      throw JinjaException.syntax(name.line(), "No test named '%s'.".formatted(name.text()));
    }
    Expression.Arguments arguments = Expression.Arguments.NONE;
    Token token = tokens.current();
    boolean operand = switch (token.type()) {
      case STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> token.text().equals("[") || token.text().equals("{");
      case NAME -> !Set.of("else", "or", "and", "is", "if", "not", "in").contains(token.text());
      default -> false;
    };
    if (tokens.skipOperator("(")) {
      arguments = arguments();
    } else if (operand) {
      arguments = new Expression.Arguments(List.of(postfix(primary())), List.of(), List.of());
    }
    Expression test = new Expression.Test(of, name.text(), arguments);
    return negated ? new Expression.Unary("not", test) : test;
  }
}
