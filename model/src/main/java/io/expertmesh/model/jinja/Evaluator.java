package io.expertmesh.model.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Evaluates expressions in a scope. */
final class Evaluator {
  private Evaluator() {}

  static Object evaluate(Expression expression, Scope scope) {
    Budget.current().step();
    return switch (expression) {
      case Expression.Constant constant -> constant.value();
      case Expression.Name name -> scope.get(name.name());
      case Expression.TupleOf tuple -> new Tuple(all(tuple.items(), scope));
      case Expression.ListOf list -> all(list.items(), scope);
      case Expression.DictOf dict -> dict(dict, scope);
      case Expression.Attribute attribute -> Members.attribute(evaluate(attribute.of(), scope), attribute.name());
      case Expression.Item item -> Members.item(evaluate(item.of(), scope), evaluate(item.key(), scope));
      case Expression.Slice slice -> Members.slice(evaluate(slice.of(), scope), optional(slice.start(), scope),
          optional(slice.stop(), scope), optional(slice.step(), scope));
      case Expression.Call call -> call(evaluate(call.callee(), scope), arguments(call.arguments(), scope));
      case Expression.Filter filter -> {
        if (filter.of() == null) {
          throw new IllegalStateException("a block's filter has no operand");
        }
        yield Filters.apply(filter.name(), evaluate(filter.of(), scope), arguments(filter.arguments(), scope));
      }
      case Expression.Test test -> Tests.holds(test.name(), evaluate(test.of(), scope),
          arguments(test.arguments(), scope));
      case Expression.Unary unary -> unary(unary.operator(), evaluate(unary.of(), scope));
      case Expression.Binary binary -> binary(binary, scope);
      case Expression.Comparison comparison -> comparison(comparison, scope);
      case Expression.Conditional conditional -> conditional(conditional, scope);
    };
  }

  /** Applies a block's filters to its text. */
  static Object filterBlock(Expression.Filter filter, String text, Scope scope) {
    Object operand = filter.of() instanceof Expression.Filter inner ? filterBlock(inner, text, scope) : text;
    return Filters.apply(filter.name(), operand, arguments(filter.arguments(), scope));
  }

  static CallArguments arguments(Expression.Arguments arguments, Scope scope) {
    if (arguments.positional().isEmpty() && arguments.named().isEmpty()) {
      return CallArguments.NONE;
    }
    Map<String, Object> named = new LinkedHashMap<>();
    for (int i = 0; i < arguments.names().size(); i++) {
      named.put(arguments.names().get(i), evaluate(arguments.named().get(i), scope));
    }
    return new CallArguments(all(arguments.positional(), scope), named);
  }

  static Object call(Object callee, CallArguments arguments) {
    if (Values.defined(callee) instanceof Callable function) {
      return function.call(arguments);
    }
    throw JinjaException.runtime("'%s' object is not callable".formatted(Values.typeName(callee)));
  }

  private static List<Object> all(List<Expression> expressions, Scope scope) {
    List<Object> values = new ArrayList<>(expressions.size());
    for (Expression expression : expressions) {
      values.add(evaluate(expression, scope));
    }
    return values;
  }

  private static @Nullable Object optional(@Nullable Expression expression, Scope scope) {
    return expression == null ? null : evaluate(expression, scope);
  }

  private static Object dict(Expression.DictOf dict, Scope scope) {
    Map<Object, Object> entries = new LinkedHashMap<>();
    for (int i = 0; i < dict.keys().size(); i++) {
      entries.put(evaluate(dict.keys().get(i), scope), evaluate(dict.values().get(i), scope));
    }
    return entries;
  }

  private static Object conditional(Expression.Conditional conditional, Scope scope) {
    if (Values.isTrue(evaluate(conditional.test(), scope))) {
      return evaluate(conditional.then(), scope);
    }
    if (conditional.otherwise() == null) {
      return new Undefined("the inline if-expression evaluated to false and no else section was defined.");
    }
    return evaluate(conditional.otherwise(), scope);
  }

  private static Object unary(String operator, Object value) {
    if (operator.equals("not")) {
      return !Values.isTrue(value);
    }
    if (!Numbers.isNumber(Values.defined(value))) {
      throw JinjaException.runtime("bad operand type for unary %s: '%s'".formatted(operator, Values.typeName(value)));
    }
    return operator.equals("-") ? Numbers.negate(value) : value;
  }

  private static Object binary(Expression.Binary binary, Scope scope) {
    Object left = evaluate(binary.left(), scope);
    switch (binary.operator()) {
      case "and" -> {
        return Values.isTrue(left) ? evaluate(binary.right(), scope) : left;
      }
      case "or" -> {
        return Values.isTrue(left) ? left : evaluate(binary.right(), scope);
      }
      default -> {
        // both sides are needed
      }
    }
    Object right = evaluate(binary.right(), scope);
    if (binary.operator().equals("~")) {
      return concatenate(Values.text(left), Values.text(right));
    }
    Values.defined(left);
    Values.defined(right);
    if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
      return Numbers.calculate(binary.operator(), left, right);
    }
    if (binary.operator().equals("%") && left instanceof String format) {
      return PercentFormat.format(format, right);
    }
    return switch (binary.operator()) {
      case "+" -> add(left, right);
      case "*" -> repeat(left, right);
      default -> throw unsupported(binary.operator(), left, right);
    };
  }

  /** {@code +} for any two values that have it. */
  static Object add(Object left, Object right) {
    if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
      return Numbers.calculate("+", left, right);
    }
    if (left instanceof String a && right instanceof String b) {
      return concatenate(a, b);
    }
    boolean lists = left instanceof List<?> && right instanceof List<?>;
    if (!lists && !(left instanceof Tuple && right instanceof Tuple)) {
      throw unsupported("+", left, right);
    }
    Budget.current().allocateItems((long) Values.length(left) + Values.length(right));
    List<Object> items = new ArrayList<>(Values.items(left));
    items.addAll(Values.items(right));
    return lists ? items : new Tuple(items);
  }

  private static String concatenate(String left, String right) {
    Budget.current().allocate((long) left.length() + right.length());
    return left.concat(right);
  }

  private static Object repeat(Object left, Object right) {
    boolean countFirst = left instanceof Long;
    Object value = countFirst ? right : left;
    if (!((countFirst ? left : right) instanceof Long count)) {
      throw unsupported("*", left, right);
    }
    int times = Math.clamp(count, 0, Integer.MAX_VALUE);
    if (value instanceof String text) {
      Budget.current().allocate((long) text.length() * times);
      return text.repeat(times);
    }
    if (!Values.isSequence(value)) {
      throw unsupported("*", left, right);
    }
    List<Object> once = Values.items(value);
    Budget.current().allocateItems((long) once.size() * times);
    List<Object> items = new ArrayList<>(once.size() * times);
    for (int i = 0; i < times; i++) {
      items.addAll(once);
    }
    return value instanceof Tuple ? new Tuple(items) : items;
  }

  private static JinjaException unsupported(String operator, Object left, Object right) {
    if (operator.equals("+") && left instanceof String) {
      return JinjaException.runtime("can only concatenate str (not \"%s\") to str".formatted(Values.typeName(right)));
    }
    return JinjaException.runtime("unsupported operand type(s) for %s: '%s' and '%s'".formatted(operator,
        Values.typeName(left), Values.typeName(right)));
  }

  private static Object comparison(Expression.Comparison comparison, Scope scope) {
    Object left = evaluate(comparison.first(), scope);
    for (int i = 0; i < comparison.operators().size(); i++) {
      Object right = evaluate(comparison.operands().get(i), scope);
      String operator = comparison.operators().get(i);
      boolean holds = switch (operator) {
        case "==" -> Values.equal(left, right);
        case "!=" -> !Values.equal(left, right);
        case "in" -> Values.contains(right, left);
        case "not in" -> !Values.contains(right, left);
        case "<" -> Values.compare(left, right, operator) < 0;
        case "<=" -> Values.compare(left, right, operator) <= 0;
        case ">" -> Values.compare(left, right, operator) > 0;
        default -> Values.compare(left, right, operator) >= 0;
      };
      if (!holds) {
        return false;
      }
      left = right;
    }
    return true;
  }
}
