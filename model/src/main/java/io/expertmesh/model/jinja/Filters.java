package io.expertmesh.model.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** What may follow {@code |}, values to values (Jinja2's {@code filters.py}); sequences are in {@link ListFilters}. */
final class Filters {
  private static final Set<String> NAMES = Set.of("abs", "attr", "capitalize", "count", "d", "default", "e", "escape",
      "float", "forceescape", "format", "indent", "int", "length", "lower", "replace", "round", "safe", "string",
      "title", "tojson", "trim", "upper", "wordcount");

  private Filters() {}

  static boolean exists(String name) {
    return NAMES.contains(name) || ListFilters.exists(name);
  }

  static Object apply(String name, Object value, CallArguments arguments) {
    return switch (name) {
      case "default", "d" -> value instanceof Undefined
          || (Values.isTrue(arguments.get(1, "boolean", false)) && !Values.isTrue(value))
              ? arguments.get(0, "default_value", "")
              : value;
      case "length", "count" -> (long) Values.length(value);
      case "string", "safe" -> Values.text(value);
      case "trim" -> trim(Values.text(value), arguments);
      case "upper" -> Values.text(value).toUpperCase(Locale.ROOT);
      case "lower" -> Values.text(value).toLowerCase(Locale.ROOT);
      case "capitalize" -> StringMethods.capitalize(Values.text(value));
      case "title" -> title(Values.text(value));
      case "replace" -> StringMethods.replace(Values.text(value), arguments.text(0, "old"), arguments.text(1, "new"),
          arguments.integer(2, "count", -1));
      case "escape", "e", "forceescape" -> escape(Values.text(value));
      case "indent" -> indent(Values.text(value), arguments);
      case "tojson" -> JsonText.of(value, arguments);
      case "format" -> PercentFormat.format(Values.text(value), new Tuple(arguments.positional()));
      case "attr" -> Members.attribute(value, arguments.text(0, "name"));
      case "wordcount" -> (long) Values.text(value).split("\\W+").length;
      case "int" -> integer(value, arguments);
      case "float" -> decimal(value, arguments);
      case "abs" -> Numbers.compare(number(value), 0L) < 0 ? Numbers.negate(value) : value;
      case "round" -> round(Numbers.decimal(number(value)), arguments);
      default -> ListFilters.apply(name, value, arguments);
    };
  }

  private static Object number(Object value) {
    if (Numbers.isNumber(Values.defined(value))) {
      return value;
    }
    throw JinjaException.runtime("'%s' is not a number".formatted(Values.typeName(value)));
  }

  private static String trim(String text, CallArguments arguments) {
    return arguments.get(0, "chars", None.NONE) instanceof String characters
        ? Text.stripEnd(Text.stripStart(text, characters), characters)
        : Text.stripEnd(Text.stripStart(text));
  }

  private static String title(String text) {
    StringBuilder out = new StringBuilder(text.length());
    boolean inWord = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      out.append(inWord ? Character.toLowerCase(c) : Character.toUpperCase(c));
      inWord = !Text.isSpace(c) && "-({[<".indexOf(c) < 0;
    }
    return out.toString();
  }

  private static String escape(String text) {
    Budget.current().allocate(2L * text.length());
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;").replace("\"",
        "&#34;");
  }

  private static String indent(String text, CallArguments arguments) {
    String margin = arguments.get(0, "width", 4L) instanceof String given
        ? given
        : " ".repeat(Math.clamp(arguments.integer(0, "width", 4), 0, 1000));
    boolean first = Values.isTrue(arguments.get(1, "first", false));
    boolean blank = Values.isTrue(arguments.get(2, "blank", false));
    StringBuilder out = new StringBuilder(first ? margin : "");
    String[] lines = text.split("\n", -1);
    for (int i = 0; i < lines.length; i++) {
      Budget.current().allocate((long) margin.length() + lines[i].length());
      out.append(i == 0 ? "" : "\n").append(i > 0 && (blank || !lines[i].isEmpty()) ? margin : "").append(lines[i]);
    }
    return out.toString();
  }

  private static Object integer(Object value, CallArguments arguments) {
    return switch (value) {
      case Double number -> number.longValue();
      case Long number -> number;
      case Boolean flag -> flag ? 1L : 0L;
      default -> {
        try {
          yield (long) Double.parseDouble(Values.text(value).strip());
        } catch (NumberFormatException e) {
          yield arguments.get(0, "default", 0L);
        }
      }
    };
  }

  private static Object decimal(Object value, CallArguments arguments) {
    if (Numbers.isNumber(value)) {
      return Numbers.decimal(value);
    }
    try {
      return Double.parseDouble(Values.text(value).strip());
    } catch (NumberFormatException e) {
      return arguments.get(0, "default", 0.0);
    }
  }

  private static Object round(double value, CallArguments arguments) {
    double scale = Math.pow(10, Math.clamp(arguments.integer(0, "precision", 0), 0, 15));
    double scaled = value * scale;
    return switch (Values.text(arguments.get(1, "method", "common"))) {
      case "ceil" -> Math.ceil(scaled) / scale;
      case "floor" -> Math.floor(scaled) / scale;
      default -> Math.rint(scaled) / scale;
    };
  }

  /** {@code attribute='a.b'} or {@code attribute=0}: what the filters on sequences read from each item. */
  static Object byAttribute(Object item, Object attribute) {
    if (!(attribute instanceof String path)) {
      return attribute == None.NONE ? item : Members.item(item, attribute);
    }
    Object value = item;
    for (String part : path.split("\\.")) {
      value = part.chars().allMatch(Character::isDigit) && part.length() < 9
          ? Members.item(value, Long.valueOf(part))
          : Members.item(value, part);
    }
    return value;
  }

  /** A list of a map's entries, for {@code items} and {@code dictsort}. */
  static List<Object> entries(Object value) {
    if (value instanceof Map<?, ?> map) {
      return DictMethods.items(map);
    }
    if (value instanceof Undefined) {
      return new ArrayList<>();
    }
    throw JinjaException.runtime("Can only get item pairs from a mapping.");
  }
}
