package io.expertmesh.model.jinja;

import java.time.Clock;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.TextStyle;
import java.time.temporal.ChronoField;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The functions that a chat template finds: Jinja2's and those that transformers adds. */
final class Functions {
  /** Jinja2's sandbox has the same limit. */
  private static final long MAX_RANGE = 100_000;

  private Functions() {}

  static void defineIn(Scope scope, Clock clock) {
    scope.set("range", (Callable) Functions::range);
    scope.set("dict", (Callable) arguments -> new LinkedHashMap<Object, Object>(arguments.named()));
    scope.set("namespace", (Callable) Functions::namespace);
    scope.set("raise_exception", (Callable) arguments -> {
      throw new JinjaException(JinjaException.Kind.RAISED, Values.text(arguments.require(0, "message")));
    });
    scope.set("strftime_now", (Callable) arguments -> time(arguments.text(0, "format"), ZonedDateTime.now(clock)));
  }

  private static Object range(CallArguments arguments) {
    int count = arguments.positional().size();
    long start = count > 1 ? Values.integer(arguments.require(0, "start")) : 0;
    long stop = Values.integer(arguments.require(count > 1 ? 1 : 0, "stop"));
    long step = count > 2 ? Values.integer(arguments.require(2, "step")) : 1;
    if (step == 0) {
      throw JinjaException.runtime("range() arg 3 must not be zero");
    }
    long size = Math.max(0, Math.ceilDiv(stop - start, step));
    if (size > MAX_RANGE) {
      throw new JinjaException(JinjaException.Kind.BUDGET,
          "Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).".formatted(MAX_RANGE));
    }
    Budget.current().allocateItems(size);
    List<Object> numbers = new ArrayList<>((int) size);
    for (long i = 0; i < size; i++) {
      numbers.add(start + i * step);
    }
    return numbers;
  }

  private static Object namespace(CallArguments arguments) {
    Map<String, Object> variables = new LinkedHashMap<>();
    if (arguments.get(0, "mapping") instanceof Map<?, ?> given) {
      given.forEach((key, value) -> variables.put(Values.text(key), value));
    }
    variables.putAll(arguments.named());
    return new Namespace(variables);
  }

  /** Python's {@code strftime}, the directives that dates in prompts use. */
  private static String time(String format, ZonedDateTime now) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        out.append(c);
        continue;
      }
      char directive = format.charAt(++i);
      boolean unpadded = directive == '-' && i + 1 < format.length();
      String value = directive(unpadded ? format.charAt(++i) : directive, now);
      out.append(unpadded ? value.replaceFirst("^0(?=\\d)", "") : value);
    }
    return out.toString();
  }

  private static String directive(char directive, ZonedDateTime now) {
    return switch (directive) {
      case 'Y' -> Integer.toString(now.getYear());
      case 'y' -> pattern("yy", now);
      case 'm' -> pattern("MM", now);
      case 'B' -> now.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
      case 'b' -> now.getMonth().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
      case 'd' -> pattern("dd", now);
      case 'A' -> now.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
      case 'a' -> now.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
      case 'j' -> "%03d".formatted(now.get(ChronoField.DAY_OF_YEAR));
      case 'H' -> pattern("HH", now);
      case 'I' -> pattern("hh", now);
      case 'M' -> pattern("mm", now);
      case 'S' -> pattern("ss", now);
      case 'p' -> now.getHour() < 12 ? "AM" : "PM";
      case 'F' -> pattern("yyyy-MM-dd", now);
      case 'T' -> pattern("HH:mm:ss", now);
      case 'Z', 'z' -> "";
      case '%' -> "%";
      default -> throw JinjaException.runtime("strftime directive '%%%s' is not supported".formatted(directive));
    };
  }

  private static String pattern(String pattern, ZonedDateTime now) {
    return DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(now);
  }
}
