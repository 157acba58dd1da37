package io.expertmesh.model.jinja;

import java.time.Clock;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A template that was read and can be rendered any number of times. Thread-safe. */
public final class Template {
  private static final int MAX_LENGTH = 1 << 20;

  private final List<Statement> body;
  private final Set<String> names;

  private Template(List<Statement> body, Set<String> names) {
    this.body = body;
    this.names = names;
  }

  /** @throws JinjaException if {@code source} is not a template, or not one within the supported part of Jinja */
  public static Template parse(String source) {
    if (source.length() > MAX_LENGTH) {
      throw new JinjaException(JinjaException.Kind.SYNTAX,
          "the template has %d characters, more than %d".formatted(source.length(), MAX_LENGTH));
    }
    List<Token> tokens = Lexer.tokens(source);
    return new Template(new StatementParser(tokens).template(), names(tokens));
  }

  private static Set<String> names(List<Token> tokens) {
    Set<String> names = new HashSet<>();
    for (int i = 0; i < tokens.size(); i++) {
      if (tokens.get(i).is(Token.Type.NAME) && (i == 0 || !tokens.get(i - 1).isOperator("."))) {
        names.add(tokens.get(i).text());
      }
    }
    return names;
  }

  /** Whether {@code variable} stands anywhere in an expression or statement, other than as somebody's attribute. */
  public boolean mentions(String variable) {
    return names.contains(variable);
  }

  /**
   * @param variables strings, numbers, booleans, lists and maps of such; null is {@code None}. A variable that is not
   *     here is undefined.
   * @param clock what {@code strftime_now} reads
   * @throws JinjaException if the template raises an exception, fails, or takes too much time or memory
   */
  public String render(Map<String, ? extends @Nullable Object> variables, Clock clock) {
    return Budget.spend(() -> {
      Scope scope = new Scope(null);
      Functions.defineIn(scope, clock);
      Scope arguments = new Scope(scope);
      variables.forEach((name, value) -> arguments.set(name, Values.from(value)));
      StringBuilder out = new StringBuilder();
      try {
        new Renderer(out).render(body, arguments);
      } catch (StackOverflowError e) {
        throw new JinjaException(JinjaException.Kind.BUDGET, "the template is nested too deeply");
      }
      return out.toString();
    });
  }
}
