package io.expertmesh.engine.constraint;

import io.expertmesh.engine.constraint.Expr.Bytes;
import io.expertmesh.engine.constraint.Expr.Repeat;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** JSON numbers, and those within bounds, as automata over their digits. All are finite as IEEE doubles. */
final class NumberText {
  /** Integers without bounds have at most this many digits and so fit into a Java long. */
  static final int INTEGER_DIGITS = 18;
  /** Decimals of up to this many digits keep their order when they are read as doubles. */
  static final int EXACT_DIGITS = 15;

  private static final Expr DIGIT = Expr.oneOf("09");
  private static final Expr DIGITS = Expr.any(DIGIT);
  private static final Expr FRACTION = Expr.optional(Expr.sequence(Expr.text("."), DIGIT, DIGITS));

  /** One end of a range. */
  record Bound(BigDecimal value, boolean inclusive) {
    private Bound negated() {
      return new Bound(value.negate(), inclusive);
    }
  }

  private NumberText() {}

  /** Any number: up to 19 digits, 20 decimal places and a two-digit exponent. */
  static Expr anyNumber() {
    return Expr.sequence(
        Expr.optional(Expr.text("-")),
        Expr.choice(Expr.text("0"), Expr.sequence(Expr.oneOf("19"), new Repeat(DIGIT, 0, 18))),
        Expr.optional(Expr.sequence(Expr.text("."), new Repeat(DIGIT, 1, 20))),
        Expr.optional(
            Expr.sequence(Expr.oneOf("eeEE"), Expr.optional(Expr.oneOf("++--")), new Repeat(DIGIT, 1, 2))));
  }

  /** The integers from {@code low} to {@code high}; an end that is null is as far as {@link #INTEGER_DIGITS} allow. */
  static Expr integers(@Nullable BigInteger low, @Nullable BigInteger high) {
    BigInteger from = low != null ? low : farthest(high).negate();
    BigInteger to = high != null ? high : farthest(low);
    List<Expr> options = new ArrayList<>();
    if (from.signum() < 0) {
      BigInteger smallest = to.signum() < 0 ? to.negate() : BigInteger.ONE;
      options.add(Expr.sequence(Expr.text("-"), naturals(smallest, from.negate())));
    }
    if (to.signum() >= 0) {
      options.add(naturals(from.max(BigInteger.ZERO), to));
    }
    return new Expr.Choice(options);
  }

  private static BigInteger farthest(@Nullable BigInteger otherEnd) {
    int digits = otherEnd == null ? 0 : otherEnd.abs().toString().length() + 1;
    return BigInteger.TEN.pow(Math.max(INTEGER_DIGITS, digits)).subtract(BigInteger.ONE);
  }

  /** The integers that are divisible by {@code divisor}, in any number of digits. */
  static Dfa multiplesOf(int divisor) {
    Nfa nfa = new Nfa();
    int start = nfa.state();
    int end = nfa.state();
    int signed = nfa.append(start, Expr.optional(Expr.text("-")));
    int[] remainder = new int[divisor];
    for (int r = 0; r < divisor; r++) {
      remainder[r] = nfa.state();
    }
    for (int digit = 0; digit <= 9; digit++) {
      nfa.bytes(signed, '0' + digit, '0' + digit, remainder[digit % divisor]);
      for (int r = 0; r < divisor; r++) {
        nfa.bytes(remainder[r], '0' + digit, '0' + digit, remainder[(10 * r + digit) % divisor]);
      }
    }
    nfa.silent(remainder[0], end);
    return new SubsetConstruction(nfa, ByteSet.all()).run(start, end);
  }

  private static Expr naturals(BigInteger low, BigInteger high) {
    List<Expr> options = new ArrayList<>();
    BigInteger from = low;
    while (from.compareTo(high) <= 0) {
      String digits = from.toString();
      BigInteger longest = BigInteger.TEN.pow(digits.length()).subtract(BigInteger.ONE);
      options.add(sameLength(digits, longest.min(high).toString()));
      from = longest.add(BigInteger.ONE);
    }
    return new Expr.Choice(options);
  }

  /** Digit strings from {@code low} to {@code high}, which are of one length. */
  private static Expr sameLength(String low, String high) {
    int length = low.length();
    if (low.equals("0".repeat(length)) && high.equals("9".repeat(length))) {
      return new Repeat(DIGIT, length, length);
    }
    char first = low.charAt(0);
    char last = high.charAt(0);
    if (first == last) {
      return Expr.sequence(Expr.text(low.substring(0, 1)), sameLength(low.substring(1), high.substring(1)));
    }
    List<Expr> options = new ArrayList<>();
    String nines = "9".repeat(length - 1);
    String zeros = "0".repeat(length - 1);
    options.add(Expr.sequence(new Bytes(first, first), sameLength(low.substring(1), nines)));
    options.add(Expr.sequence(new Bytes(last, last), sameLength(zeros, high.substring(1))));
    if (last - first > 1) {
      options.add(Expr.sequence(new Bytes(first + 1, last - 1), sameLength(zeros, nines)));
    }
    return new Expr.Choice(options);
  }

  /**
   * The decimals between two bounds, without exponent, of at most {@link #EXACT_DIGITS} digits and at most
   * {@code places} of them behind the point.
   */
  static Dfa decimals(@Nullable Bound low, @Nullable Bound high, int places) {
    List<Expr> options = new ArrayList<>();
    Bound zero = new Bound(BigDecimal.ZERO, true);
    if (high == null || high.value.signum() > 0 || (high.value.signum() == 0 && high.inclusive)) {
      Bound from = low != null && low.value.signum() >= 0 ? low : zero;
      options.add(new Expr.Automaton(magnitudes(from, high, places)));
    }
    if (low == null || low.value.signum() < 0) {
      Bound nearest = high != null && high.value.signum() <= 0 ? high.negated() : zero;
      Bound from = nearest.value.signum() == 0 ? new Bound(BigDecimal.ZERO, false) : nearest;
      options.add(Expr.sequence(Expr.text("-"),
          new Expr.Automaton(magnitudes(from, low == null ? null : low.negated(), places))));
    }
    return Nfa.compile(new Expr.Choice(options));
  }

  /** The same without a sign; {@code low} is not negative. */
  private static Dfa magnitudes(Bound low, @Nullable Bound high, int places) {
    Dfa within = Nfa.compile(shape(places)).and(Nfa.compile(atLeast(low)));
    return high == null ? within : within.and(Nfa.compile(atMost(high)));
  }

  private static Expr shape(int places) {
    List<Expr> options = new ArrayList<>();
    options.add(Expr.text("0"));
    for (int digits = 1; digits <= EXACT_DIGITS; digits++) {
      Expr whole = Expr.sequence(Expr.oneOf("19"), new Repeat(DIGIT, digits - 1, digits - 1));
      options.add(whole);
      int behind = Math.min(places, EXACT_DIGITS - digits);
      if (behind > 0) {
        Expr first = digits == 1 ? DIGIT : whole;
        options.add(Expr.sequence(first, Expr.text("."), new Repeat(DIGIT, 1, behind)));
      }
    }
    return new Expr.Choice(options);
  }

  private static Expr atLeast(Bound low) {
    BigInteger whole = low.value.toBigInteger();
    String places = places(low.value);
    BigInteger longest = BigInteger.TEN.pow(Math.max(EXACT_DIGITS, whole.toString().length())).subtract(BigInteger.ONE);
    Expr above = low.inclusive ? DIGITS : Expr.sequence(DIGITS, Expr.oneOf("19"), DIGITS);
    Expr equalWhole;
    if (places.isEmpty()) {
      equalWhole = low.inclusive ? FRACTION : Expr.sequence(Expr.text("."), above);
    } else {
      Expr behind = above;
      for (int i = places.length() - 1; i >= 0; i--) {
        char digit = places.charAt(i);
        Expr same = Expr.sequence(new Bytes(digit, digit), behind);
        behind = digit == '9' ? same : Expr.choice(same, Expr.sequence(new Bytes(digit + 1, '9'), DIGITS));
      }
      equalWhole = Expr.sequence(Expr.text("."), behind);
    }
    return Expr.choice(
        Expr.sequence(naturals(whole.add(BigInteger.ONE), longest), FRACTION),
        Expr.sequence(Expr.text(whole.toString()), equalWhole));
  }

  private static Expr atMost(Bound high) {
    BigInteger whole = high.value.toBigInteger();
    String places = places(high.value);
    Expr zeros = Expr.any(Expr.text("0"));
    Expr equalWhole;
    if (places.isEmpty()) {
      equalWhole = high.inclusive ? Expr.optional(Expr.sequence(Expr.text(".0"), zeros)) : Expr.NOTHING;
    } else {
      Expr behind = high.inclusive ? zeros : Expr.NOTHING;
      for (int i = places.length() - 1; i >= 0; i--) {
        char digit = places.charAt(i);
        Expr rest = i + 1 < places.length() ? Expr.optional(behind) : behind;
        Expr same = Expr.sequence(new Bytes(digit, digit), rest);
        behind = digit == '0' ? same : Expr.choice(same, Expr.sequence(new Bytes('0', digit - 1), DIGITS));
      }
      equalWhole = Expr.optional(Expr.sequence(Expr.text("."), behind));
    }
    return Expr.choice(
        Expr.sequence(naturals(BigInteger.ZERO, whole.subtract(BigInteger.ONE)), FRACTION),
        Expr.sequence(Expr.text(whole.toString()), equalWhole));
  }

  /** The digits behind the point, without trailing zeros. */
  private static String places(BigDecimal value) {
    BigDecimal fraction = value.subtract(new BigDecimal(value.toBigInteger())).stripTrailingZeros();
    if (fraction.signum() == 0) {
      return "";
    }
    String plain = fraction.toPlainString();
    return plain.substring(plain.indexOf('.') + 1);
  }
}
