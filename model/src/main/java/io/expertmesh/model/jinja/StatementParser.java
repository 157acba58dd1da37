package io.expertmesh.model.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads statements (Jinja2's {@code parser.py}). */
final class StatementParser {
  private static final int MAX_DEPTH = 100;

  private final Tokens tokens;
  private final ExpressionParser expressions;
  private int depth;
  private int loops;

  StatementParser(List<Token> tokens) {
    this.tokens = new Tokens(tokens);
    this.expressions = new ExpressionParser(this.tokens);
  }

  List<Statement> template() {
    List<Statement> body = body(Set.of());
    if (!tokens.current().is(Token.Type.END)) {
      throw tokens.unexpected("end of template");
    }
    return body;
  }

  /** Statements up to a block tag with one of the {@code ends} as its name, which is left unread. */
  private List<Statement> body(Set<String> ends) {
    if (++depth > MAX_DEPTH) {
      throw tokens.fail("blocks are nested more than %d deep".formatted(MAX_DEPTH));
    }
    List<Statement> body = new ArrayList<>();
    while (true) {
      Token token = tokens.current();
      if (token.is(Token.Type.DATA)) {
        body.add(new Statement.Data(tokens.next().text()));
      } else if (token.is(Token.Type.VARIABLE_BEGIN)) {
        tokens.next();
        body.add(new Statement.Output(expressions.tuple(true)));
        tokens.expect(Token.Type.VARIABLE_END, "end of print statement");
      } else if (token.is(Token.Type.BLOCK_BEGIN)) {
        if (ends.contains(tokens.ahead().text())) {
          depth--;
          return List.copyOf(body);
        }
        tokens.next();
        body.add(statement());
      } else if (ends.isEmpty()) {
        depth--;
        return List.copyOf(body);
      } else {
        throw tokens.fail("Unexpected end of template. Looking for one of: %s".formatted(String.join(", ", ends)));
      }
    }
  }

  private Statement statement() {
    Token name = tokens.expect(Token.Type.NAME, "a tag's name");
    return switch (name.text()) {
      case "if" -> ifElse();
      case "for" -> forLoop();
      case "set" -> set();
      case "macro" -> macro();
      case "call" -> callBlock();
      case "filter" -> filterBlock();
      case "with" -> with();
      case "generation" -> {
        endTag();
        yield new Statement.Scoped(List.of(), List.of(), bodyUntil("endgeneration"));
      }
      case "break" -> loopControl(new Statement.Break(), name);
      case "continue" -> loopControl(new Statement.Continue(), name);
      default -> throw JinjaException.syntax(name.line(), "Encountered unknown tag '%s'.".formatted(name.text()));
    };
  }

  private void endTag() {
    tokens.expect(Token.Type.BLOCK_END, "end of statement block");
  }

  private List<Statement> bodyUntil(String end) {
    List<Statement> body = body(Set.of(end));
    closingTag();
    return body;
  }

  /** Reads a block tag without arguments, such as {@code {% endif %}}. */
  private String closingTag() {
    tokens.next();
    String name = tokens.next().text();
    endTag();
    return name;
  }

  private Statement loopControl(Statement statement, Token name) {
    if (loops == 0) {
      throw JinjaException.syntax(name.line(), "'%s' outside of a loop".formatted(name.text()));
    }
    endTag();
    return statement;
  }

  private Statement ifElse() {
    List<Expression> tests = new ArrayList<>();
    List<List<Statement>> bodies = new ArrayList<>();
    while (true) {
      tests.add(expressions.tuple(true));
      endTag();
      bodies.add(body(Set.of("elif", "else", "endif")));
      if (!tokens.ahead().isName("elif")) {
        break;
      }
      tokens.next();
      tokens.next();
    }
    List<Statement> otherwise = List.of();
    if (closingTag().equals("else")) {
      otherwise = bodyUntil("endif");
    }
    return new Statement.If(tests, bodies, otherwise);
  }

  private Statement forLoop() {
    Statement.Target target = targets(false);
    if (!tokens.skipName("in")) {
      throw tokens.unexpected("'in'");
    }
    Expression items = expressions.tuple(false);
    Expression test = tokens.skipName("if") ? expressions.expression() : null;
    if (tokens.current().isName("recursive")) {
      throw tokens.fail("recursive loops are not supported; use a macro that calls itself");
    }
    endTag();
    loops++;
    List<Statement> body = body(Set.of("endfor", "else"));
    loops--;
    List<Statement> otherwise = List.of();
    if (closingTag().equals("else")) {
      otherwise = bodyUntil("endfor");
    }
    return new Statement.For(target, items, test, body, otherwise);
  }

  private Statement set() {
    Statement.Target target = targets(true);
    if (tokens.skipOperator("=")) {
      Expression value = expressions.tuple(true);
      endTag();
      return new Statement.Set(target, value);
    }
    Expression.Filter filter = null;
    while (tokens.skipOperator("|")) {
      filter = filter(filter);
    }
    endTag();
    return new Statement.SetBlock(target, filter, bodyUntil("endset"));
  }

  /** A filter without its {@code |}, applied to {@code of} or, where that is null, to the block. */
  private Expression.Filter filter(Expression.@Nullable Filter of) {
    Expression.Filter filter = expressions.filter(null);
    return new Expression.Filter(of, filter.name(), filter.arguments());
  }

  private Statement.Target targets(boolean withNamespaces) {
    List<Statement.Target> targets = new ArrayList<>();
    boolean comma = false;
    boolean parenthesised = tokens.skipOperator("(");
    while (tokens.current().is(Token.Type.NAME) && !tokens.current().isName("in")) {
      targets.add(target(withNamespaces));
      if (!tokens.skipOperator(",")) {
        break;
      }
      comma = true;
    }
    if (parenthesised) {
      tokens.expectOperator(")");
    }
    if (targets.isEmpty()) {
      throw tokens.unexpected("a name to assign to");
    }
    return comma ? new Statement.Target.Several(targets) : targets.getFirst();
  }

  private Statement.Target target(boolean withNamespaces) {
    String name = tokens.next().text();
    if (withNamespaces && tokens.skipOperator(".")) {
      return new Statement.Target.NamespaceEntry(name, tokens.expect(Token.Type.NAME, "a name").text());
    }
    return new Statement.Target.Variable(name);
  }

  private Statement macro() {
    String name = tokens.expect(Token.Type.NAME, "a macro's name").text();
    tokens.expectOperator("(");
    return macroFrom(name, "endmacro");
  }

  /** The parameters, which follow an opening parenthesis, and the body. */
  private Statement.MacroDefinition macroFrom(String name, String end) {
    List<String> parameters = new ArrayList<>();
    List<Expression> defaults = new ArrayList<>();
    while (!tokens.skipOperator(")")) {
      if (!parameters.isEmpty()) {
        tokens.expectOperator(",");
      }
      parameters.add(tokens.expect(Token.Type.NAME, "a parameter's name").text());
      if (tokens.skipOperator("=")) {
        defaults.add(expressions.expression());
      } else if (!defaults.isEmpty()) {
        throw tokens.fail("non-default argument follows default argument");
      }
    }
    return macroBody(name, parameters, defaults, end);
  }

  private Statement.MacroDefinition macroBody(String name, List<String> parameters, List<Expression> defaults,
      String end) {
    endTag();
    int outerLoops = loops;
    loops = 0;
    List<Statement> body = bodyUntil(end);
    loops = outerLoops;
    return new Statement.MacroDefinition(name, List.copyOf(parameters), List.copyOf(defaults), body);
  }

  private Statement callBlock() {
    // The parameters come before the call but belong to the body, which comes after it.
    List<String> parameters = new ArrayList<>();
    if (tokens.skipOperator("(")) {
      while (!tokens.skipOperator(")")) {
        if (!parameters.isEmpty()) {
          tokens.expectOperator(",");
        }
        parameters.add(tokens.expect(Token.Type.NAME, "a parameter's name").text());
      }
    }
    if (!(expressions.expression() instanceof Expression.Call call)) {
      throw tokens.fail("expected call");
    }
    return new Statement.CallBlock(call, macroBody("caller", parameters, List.of(), "endcall"));
  }

  private Statement filterBlock() {
    Expression.Filter filter = filter(null);
    while (tokens.skipOperator("|")) {
      filter = filter(filter);
    }
    endTag();
    return new Statement.FilterBlock(filter, bodyUntil("endfilter"));
  }

  private Statement with() {
    List<Statement.Target> targets = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!tokens.current().is(Token.Type.BLOCK_END)) {
      if (!targets.isEmpty()) {
        tokens.expectOperator(",");
      }
      targets.add(targets(false));
      tokens.expectOperator("=");
      values.add(expressions.expression());
    }
    endTag();
    return new Statement.Scoped(targets, values, bodyUntil("endwith"));
  }
}
