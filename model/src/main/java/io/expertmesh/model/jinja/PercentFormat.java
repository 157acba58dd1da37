package io.expertmesh.model.jinja;

import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code 'format' % values}. */
final class PercentFormat {
  private static final Pattern FIELD = Pattern.compile(
      "%(?:\\((?<key>[^)]*)\\))?(?<flags>[-+0 #]*)(?<width>\\d{1,4})?(?:\\.(?<precision>\\d{1,3}))?(?<kind>[a-zA-Z%])");

  private PercentFormat() {}

  static String format(String format, Object values) {
    List<Object> arguments = values instanceof Tuple tuple ? tuple.items() : List.of(values);
    StringBuilder out = new StringBuilder();
    Matcher field = FIELD.matcher(format);
    int from = 0;
    int used = 0;
    while (field.find()) {
      out.append(format, from, field.start());
      from = field.end();
      if (field.group("kind").equals("%")) {
        out.append('%');
        continue;
      }
      Object value;
      if (field.group("key") != null) {
        value = Members.item(values, field.group("key"));
      } else if (used < arguments.size()) {
        value = arguments.get(used++);
      } else {
        throw JinjaException.runtime("not enough arguments for format string");
      }
      out.append(pad(field, convert(field, value), Numbers.isNumber(value)));
      Budget.current().allocate(out.length());
    }
    if (!(values instanceof java.util.Map<?, ?>) && used < arguments.size()) {
      throw JinjaException.runtime("not all arguments converted during string formatting");
    }
    return out.append(format, from, format.length()).toString();
  }

  private static String convert(Matcher field, Object value) {
    int precision = field.group("precision") == null ? 6 : Integer.parseInt(field.group("precision"));
    String kind = field.group("kind");
    return switch (kind) {
      case "s" -> cut(Values.text(value), field.group("precision"), precision);
      case "r" -> Values.repr(value);
      case "d", "i" -> sign(field, Long.toString(Numbers.integer(number(value))));
      case "f", "F" -> sign(field, String.format(Locale.ROOT, "%." + precision + "f", Numbers.decimal(number(value))));
      case "x" -> Long.toHexString(Numbers.integer(number(value)));
      default -> throw JinjaException.runtime("unsupported format character '%s'".formatted(kind));
    };
  }

  private static String cut(String text, @org.jspecify.annotations.Nullable String given, int precision) {
    return given == null || text.length() <= precision ? text : text.substring(0, precision);
  }

  private static Object number(Object value) {
    if (Numbers.isNumber(Values.defined(value))) {
      return value;
    }
    throw JinjaException.runtime("a number is required, not " + Values.typeName(value));
  }

  private static String sign(Matcher field, String number) {
    return field.group("flags").contains("+") && !number.startsWith("-") ? "+" + number : number;
  }

  private static String pad(Matcher field, String text, boolean number) {
    if (field.group("width") == null) {
      return text;
    }
    int missing = Math.max(0, Integer.parseInt(field.group("width")) - text.length());
    String flags = field.group("flags");
    if (flags.contains("-")) {
      return text + " ".repeat(missing);
    }
    if (flags.contains("0") && number) {
      int signed = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
      return text.substring(0, signed) + "0".repeat(missing) + text.substring(signed);
    }
    return " ".repeat(missing) + text;
  }
}
