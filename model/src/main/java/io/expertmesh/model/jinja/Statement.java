package io.expertmesh.model.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Statements; the names are those of Jinja2's {@code nodes.py}. */
sealed interface Statement {
  record Data(String text) implements Statement {}

  record Output(Expression value) implements Statement {}

  record If(List<Expression> tests, List<List<Statement>> bodies, List<Statement> otherwise) implements Statement {}

  record For(Target target, Expression items, @Nullable Expression test, List<Statement> body,
      List<Statement> otherwise) implements Statement {}

  record Set(Target target, Expression value) implements Statement {}

  record SetBlock(Target target, Expression.@Nullable Filter filter, List<Statement> body) implements Statement {}

  record MacroDefinition(String name, List<String> parameters, List<Expression> defaults, List<Statement> body)
      implements
        Statement {}

  /** {@code {% call(parameters) macro() %}body{% endcall %}}. */
  record CallBlock(Expression.Call call, MacroDefinition caller) implements Statement {}

  record FilterBlock(Expression.Filter filter, List<Statement> body) implements Statement {}

  /** A body in a scope of its own ({@code with}). */
  record Scoped(List<Target> targets, List<Expression> values, List<Statement> body) implements Statement {}

  record Break() implements Statement {}

  record Continue() implements Statement {}

  /** What a value is assigned to. */
  sealed interface Target {
    record Variable(String name) implements Target {}

    record NamespaceEntry(String namespace, String name) implements Target {}

    record Several(List<Target> targets) implements Target {}
  }
}
