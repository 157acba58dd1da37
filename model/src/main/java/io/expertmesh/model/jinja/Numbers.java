package io.expertmesh.model.jinja;

import java.math.BigDecimal;

/** Python's arithmetic on {@code int}, {@code float} and {@code bool}. */
final class Numbers {
  private Numbers() {}

  static boolean isNumber(Object value) {
    return value instanceof Long || value instanceof Double || value instanceof Boolean;
  }

  private static boolean isInteger(Object value) {
    return value instanceof Long || value instanceof Boolean;
  }

  static long integer(Object value) {
    return value instanceof Boolean flag ? (flag ? 1 : 0) : ((Number) value).longValue();
  }

  static double decimal(Object value) {
    return value instanceof Boolean flag ? (flag ? 1 : 0) : ((Number) value).doubleValue();
  }

  static int compare(Object left, Object right) {
    if (isInteger(left) && isInteger(right)) {
      return Long.compare(integer(left), integer(right));
    }
    double a = decimal(left);
    double b = decimal(right);
    return a == b ? 0 : Double.compare(a, b);
  }

  static Object calculate(String operator, Object left, Object right) {
    try {
      return isInteger(left) && isInteger(right)
          ? integers(operator, integer(left), integer(right))
          : decimals(operator, decimal(left), decimal(right));
    } catch (ArithmeticException e) {
      throw JinjaException.runtime("%s %s %s: %s".formatted(Values.repr(left), operator, Values.repr(right),
          e.getMessage()));
    }
  }

  private static Object integers(String operator, long a, long b) {
    return switch (operator) {
      case "+" -> Math.addExact(a, b);
      case "-" -> Math.subtractExact(a, b);
      case "*" -> Math.multiplyExact(a, b);
      case "//" -> Math.floorDiv(a, b);
      case "%" -> Math.floorMod(a, b);
      case "**" -> b < 0 ? (Object) Math.pow((double) a, (double) b) : (Object) power(a, b);
      default -> divide((double) a, (double) b);
    };
  }

  private static long power(long base, long exponent) {
    if (exponent > 62 && (base > 1 || base < -1)) {
      throw new ArithmeticException("long overflow");
    }
    long result = 1;
    // Of larger exponents only 0, 1 and -1 are left, for which the parity decides.
    for (long i = exponent > 62 ? exponent % 2 + 2 : exponent; i > 0; i--) {
      result = Math.multiplyExact(result, base);
    }
    return result;
  }

  private static Object decimals(String operator, double a, double b) {
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "//" -> Math.floor(divide(a, b));
      case "%" -> a - b * Math.floor(divide(a, b));
      case "**" -> Math.pow(a, b);
      default -> divide(a, b);
    };
  }

  private static double divide(double a, double b) {
    if (b == 0) {
      throw new ArithmeticException("division by zero");
    }
    return a / b;
  }

  static Object negate(Object value) {
    return value instanceof Double number ? -number : (Object) Math.negateExact(integer(value));
  }

  /** Python's {@code repr} of a float: the shortest digits, an exponent from 1e16 on and below 1e-4. */
  static String text(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    double size = Math.abs(value);
    BigDecimal digits = new BigDecimal(Double.toString(value));
    if (size == 0 || (size >= 1e-4 && size < 1e16)) {
      String plain = digits.stripTrailingZeros().toPlainString();
      return (size == 0 && 1 / value < 0 ? "-0" : plain) + (plain.indexOf('.') < 0 ? ".0" : "");
    }
    BigDecimal shortest = digits.stripTrailingZeros();
    String unscaled = shortest.unscaledValue().abs().toString();
    int exponent = unscaled.length() - 1 - shortest.scale();
    return (value < 0 ? "-" : "") + unscaled.charAt(0) + (unscaled.length() > 1 ? "." + unscaled.substring(1) : "")
        + "e%s%02d".formatted(exponent < 0 ? "-" : "+", Math.abs(exponent));
  }
}
