package io.expertmesh.model.jinja;

import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** What may follow {@code is} (Jinja2's {@code tests.py}). */
final class Tests {
  private static final Set<String> NAMES = Set.of("defined", "undefined", "none", "boolean", "true", "false", "string",
      "number", "integer", "float", "mapping", "sequence", "iterable", "callable", "sameas", "odd", "even",
      "divisibleby", "eq", "equalto", "ne", "lt", "lessthan", "le", "gt", "greaterthan", "ge", "in", "lower", "upper");

  private Tests() {}

  static boolean exists(String name) {
    return NAMES.contains(name);
  }

  static boolean holds(String name, Object value, CallArguments arguments) {
    return switch (name) {
      case "defined" -> !(value instanceof Undefined);
      case "undefined" -> value instanceof Undefined;
      case "none" -> value == None.NONE;
      case "boolean" -> value instanceof Boolean;
      case "true" -> value.equals(true);
      case "false" -> value.equals(false);
      case "string" -> value instanceof String;
      case "number" -> Numbers.isNumber(value);
      case "integer" -> value instanceof Long;
      case "float" -> value instanceof Double;
      case "mapping" -> value instanceof Map<?, ?>;
      case "sequence", "iterable" -> value instanceof String || value instanceof Map<?, ?> || Values.isSequence(value)
          || value instanceof Undefined;
      case "callable" -> value instanceof Callable;
      case "sameas" -> value.equals(other(arguments));
      case "odd" -> Math.floorMod(whole(value), 2L) == 1;
      case "even" -> Math.floorMod(whole(value), 2L) == 0;
      case "divisibleby" -> Long.valueOf(0).equals(Numbers.calculate("%", whole(value), whole(other(arguments))));
      case "eq", "equalto" -> Values.equal(value, other(arguments));
      case "ne" -> !Values.equal(value, other(arguments));
      case "lt", "lessthan" -> Values.compare(value, other(arguments), "<") < 0;
      case "le" -> Values.compare(value, other(arguments), "<=") <= 0;
      case "gt", "greaterthan" -> Values.compare(value, other(arguments), ">") > 0;
      case "ge" -> Values.compare(value, other(arguments), ">=") >= 0;
      case "in" -> Values.contains(other(arguments), value);
      case "lower" -> Values.text(value).equals(Values.text(value).toLowerCase(Locale.ROOT));
      case "upper" -> Values.text(value).equals(Values.text(value).toUpperCase(Locale.ROOT));
      default -> throw JinjaException.runtime("No test named '%s'.".formatted(name));
    };
  }

  private static Object other(CallArguments arguments) {
    return arguments.require(0, "other");
  }

  private static long whole(Object value) {
    if (Values.defined(value) instanceof Long number) {
      return number;
    }
    throw JinjaException.runtime("'%s' is not an integer".formatted(Values.repr(value)));
  }
}
