package io.expertmesh.simulator.load;

import io.expertmesh.model.failure.FailureException;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** Requests a second over time. */
public sealed interface LoadCurve {
  /** @param seconds from the beginning */
  double at(double seconds);

  /** How long it lasts, in seconds. */
  double seconds();

  /** The most requests a second. */
  double peak();

  /** The same all the time. */
  record Constant(double requestsPerSecond, double seconds) implements LoadCurve {
    @Override
    public double at(double time) {
      return requestsPerSecond;
    }

    @Override
    public double peak() {
      return requestsPerSecond;
    }
  }

  /** From one load to another, in a straight line. */
  record Ramp(double from, double to, double seconds) implements LoadCurve {
    @Override
    public double at(double time) {
      return from + (to - from) * Math.clamp(time / seconds, 0.0, 1.0);
    }

    @Override
    public double peak() {
      return Math.max(from, to);
    }
  }

  /** A day: the least at four in the morning, the most twelve hours later, a cosine between. */
  record Day(double least, double peak) implements LoadCurve {
    private static final double HOUR = 3600;
    private static final double QUIETEST = 4;

    @Override
    public double at(double time) {
      double phase = (time / HOUR - QUIETEST) / 24;
      return least + (peak - least) * (1 - Math.cos(2 * Math.PI * phase)) / 2;
    }

    @Override
    public double seconds() {
      return 24 * HOUR;
    }
  }

  /** The mean over its duration, in requests a second. */
  default double mean() {
    int parts = 1000;
    double sum = 0;
    for (int i = 0; i < parts; i++) {
      sum += at((i + 0.5) / parts * seconds());
    }
    return sum / parts;
  }

  /**
   * Reads {@code constant:20}, {@code ramp:from=1,to=50,minutes=10} or {@code day:peak=50,low=5}.
   *
   * @throws FailureException INVALID_REQUEST if it is none of them
   */
  static LoadCurve parse(String text) {
    int colon = text.indexOf(':');
    String kind = colon < 0 ? text : text.substring(0, colon);
    String rest = colon < 0 ? "" : text.substring(colon + 1);
    return switch (kind.toLowerCase(Locale.ROOT)) {
      case "constant" -> new Constant(positive(text, "requests a second", number(text, rest)), 600);
      case "ramp" -> {
        Map<String, Double> values = values(text, rest, Map.of("from", 0.0, "minutes", 10.0), "to");
        yield new Ramp(notNegative(text, "from", values), notNegative(text, "to", values),
            60 * positive(text, "minutes", values.getOrDefault("minutes", 0.0)));
      }
      case "day" -> {
        Map<String, Double> values = values(text, rest, Map.of("low", Double.NaN), "peak");
        double peak = positive(text, "peak", values.getOrDefault("peak", 0.0));
        values.compute("low", (_, low) -> low == null || low.isNaN() ? peak / 10 : low);
        double low = notNegative(text, "low", values);
        if (low > peak) {
          throw wrong(text, "low is more than peak");
        }
        yield new Day(low, peak);
      }
      default -> throw wrong(text, "it must be constant:20, ramp:from=1,to=50,minutes=10 or day:peak=50,low=5");
    };
  }

  private static Map<String, Double> values(String text, String rest, Map<String, Double> defaults, String needed) {
    Map<String, Double> values = new HashMap<>(defaults);
    for (String part : rest.split(",", -1)) {
      String[] pair = part.split("=", -1);
      if (pair.length != 2 || !(values.containsKey(pair[0]) || pair[0].equals(needed))) {
        throw wrong(text, "'%s' is not one of %s=, %s=".formatted(part, needed,
            String.join("=, ", defaults.keySet().stream().sorted().toList())));
      }
      values.put(pair[0], number(text, pair[1]));
    }
    if (!values.containsKey(needed)) {
      throw wrong(text, needed + " is missing");
    }
    return values;
  }

  private static double number(String text, String number) {
    try {
      return Double.parseDouble(number);
    } catch (NumberFormatException none) {
      throw wrong(text, "'%s' is not a number".formatted(number));
    }
  }

  private static double positive(String text, String what, double value) {
    if (!(value > 0 && value <= 1e9)) {
      throw wrong(text, "%s must be above 0".formatted(what));
    }
    return value;
  }

  private static double notNegative(String text, String what, Map<String, Double> values) {
    double value = values.getOrDefault(what, 0.0);
    if (!(value >= 0 && value <= 1e9)) {
      throw wrong(text, "%s must not be negative".formatted(what));
    }
    return value;
  }

  private static FailureException wrong(String text, String what) {
    return FailureException.invalidParameter("--load", "--load is '%s': %s".formatted(text, what));
  }
}
