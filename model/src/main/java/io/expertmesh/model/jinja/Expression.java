package io.expertmesh.model.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Expressions; the names are those of Jinja2's {@code nodes.py}. */
sealed interface Expression {
  record Constant(Object value) implements Expression {}

  record Name(String name) implements Expression {}

  record TupleOf(List<Expression> items) implements Expression {}

  record ListOf(List<Expression> items) implements Expression {}

  record DictOf(List<Expression> keys, List<Expression> values) implements Expression {}

  record Attribute(Expression of, String name) implements Expression {}

  record Item(Expression of, Expression key) implements Expression {}

  record Slice(Expression of, @Nullable Expression start, @Nullable Expression stop, @Nullable Expression step)
      implements
        Expression {}

  record Call(Expression callee, Arguments arguments) implements Expression {}

  /** @param of null in {@code {% filter upper %}}, where the block is the operand */
  record Filter(@Nullable Expression of, String name, Arguments arguments) implements Expression {}

  record Test(Expression of, String name, Arguments arguments) implements Expression {}

  record Unary(String operator, Expression of) implements Expression {}

  /** Arithmetic, {@code ~}, {@code and} and {@code or}. */
  record Binary(String operator, Expression left, Expression right) implements Expression {}

  /** {@code first op operand op operand ...}, each compared with the one before it. */
  record Comparison(Expression first, List<String> operators, List<Expression> operands) implements Expression {}

  record Conditional(Expression test, Expression then, @Nullable Expression otherwise) implements Expression {}

  /** @param names one for each of the last arguments */
  record Arguments(List<Expression> positional, List<String> names, List<Expression> named) {
    static final Arguments NONE = new Arguments(List.of(), List.of(), List.of());
  }
}
