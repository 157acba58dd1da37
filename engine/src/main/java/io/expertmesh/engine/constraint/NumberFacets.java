package io.expertmesh.engine.constraint;

import io.expertmesh.engine.constraint.NumberText.Bound;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import org.jspecify.annotations.Nullable;

/**
 * What a conjunction says about a number.
 *
 * @param divisor what integers must be divisible by; 1 for all
 * @param places digits that are allowed behind the decimal point
 */
record NumberFacets(@Nullable Bound low, @Nullable Bound high, int divisor, int places) {
  private static final int ANY_PLACES = Integer.MAX_VALUE;
  private static final int MAX_DIVISOR = 1000;
  /** From here on decimals are whole numbers only. */
  private static final BigDecimal HUGE = BigDecimal.TEN.pow(NumberText.EXACT_DIGITS);

  static NumberFacets of(Conjunction schema) {
    Bound low = null;
    Bound high = null;
    int divisor = 1;
    int places = ANY_PLACES;
    for (SchemaPart part : schema.parts()) {
      low = tighter(low, part.number("minimum"), true, 1);
      low = tighter(low, part.number("exclusiveMinimum"), false, 1);
      high = tighter(high, part.number("maximum"), true, -1);
      high = tighter(high, part.number("exclusiveMaximum"), false, -1);
      BigDecimal step = part.number("multipleOf");
      if (step == null) {
        continue;
      }
      if (step.signum() <= 0) {
        throw part.wrong("multipleOf", "must be greater than 0, but is " + step);
      }
      if (step.scale() <= 0) {
        divisor = leastCommonMultiple(divisor, step, part);
        places = 0;
      } else if (step.unscaledValue().equals(BigInteger.ONE)) {
        places = Math.min(places, step.scale());
      } else {
        throw part.unsupported("multipleOf", "whole numbers up to " + MAX_DIVISOR + " and 0.1, 0.01, ... are");
      }
    }
    return new NumberFacets(low, high, divisor, places);
  }

  private static int leastCommonMultiple(int divisor, BigDecimal step, SchemaPart part) {
    BigInteger other = step.toBigIntegerExact();
    BigInteger product = BigInteger.valueOf(divisor).multiply(other);
    BigInteger least = product.divide(BigInteger.valueOf(divisor).gcd(other));
    if (least.compareTo(BigInteger.valueOf(MAX_DIVISOR)) > 0) {
      throw part.unsupported("multipleOf", "whole numbers up to " + MAX_DIVISOR + " and 0.1, 0.01, ... are");
    }
    return least.intValue();
  }

  private static @Nullable Bound tighter(@Nullable Bound bound, @Nullable BigDecimal value, boolean inclusive,
      int sign) {
    if (value == null) {
      return bound;
    }
    int order = bound == null ? 1 : sign * Integer.signum(value.compareTo(bound.value()));
    return order > 0 || (order == 0 && !inclusive) ? new Bound(value, inclusive) : bound;
  }

  boolean isApartFrom(NumberFacets other) {
    return isBelow(other) || other.isBelow(this);
  }

  private boolean isBelow(NumberFacets other) {
    if (high == null || other.low == null) {
      return false;
    }
    int order = high.value().compareTo(other.low.value());
    return order < 0 || (order == 0 && !(high.inclusive() && other.low.inclusive()));
  }

  boolean isFree() {
    return low == null && high == null && divisor == 1 && places == ANY_PLACES;
  }

  boolean admits(BigDecimal value) {
    if (low != null && (value.compareTo(low.value()) < 0 || (!low.inclusive() && value.compareTo(low.value()) == 0))) {
      return false;
    }
    if (high != null
        && (value.compareTo(high.value()) > 0 || (!high.inclusive() && value.compareTo(high.value()) == 0))) {
      return false;
    }
    if (divisor > 1 && value.remainder(BigDecimal.valueOf(divisor)).signum() != 0) {
      return false;
    }
    return value.stripTrailingZeros().scale() <= places;
  }

  /** The integers that satisfy everything. */
  Expr integers() {
    Expr range = NumberText.integers(lowInteger(), highInteger());
    return divisor == 1
        ? range
        : new Expr.Automaton(Nfa.compile(range).and(NumberText.multiplesOf(divisor)));
  }

  private @Nullable BigInteger lowInteger() {
    if (low == null) {
      return null;
    }
    BigInteger ceiling = low.value().setScale(0, RoundingMode.CEILING).toBigInteger();
    boolean excluded = !low.inclusive() && low.value().compareTo(new BigDecimal(ceiling)) == 0;
    return excluded ? ceiling.add(BigInteger.ONE) : ceiling;
  }

  private @Nullable BigInteger highInteger() {
    if (high == null) {
      return null;
    }
    BigInteger floor = high.value().setScale(0, RoundingMode.FLOOR).toBigInteger();
    boolean excluded = !high.inclusive() && high.value().compareTo(new BigDecimal(floor)) == 0;
    return excluded ? floor.subtract(BigInteger.ONE) : floor;
  }

  /** The numbers that satisfy everything. */
  Expr numbers() {
    boolean huge = (low != null && low.value().compareTo(HUGE) >= 0)
        || (high != null && high.value().compareTo(HUGE.negate()) <= 0);
    if (places == 0 || huge) {
      return integers();
    }
    return new Expr.Automaton(NumberText.decimals(low, high, Math.min(places, NumberText.EXACT_DIGITS)));
  }
}
