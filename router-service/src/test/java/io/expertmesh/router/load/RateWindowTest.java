package io.expertmesh.router.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class RateWindowTest {
  private static final long SECOND = 1_000_000_000L;
  private static final long START = -5 * SECOND;

  @Test
  void aSteadyRateIsReadAtAnyTime() {
    RateWindow window = new RateWindow(START);
    for (int second = 0; second < 200; second++) {
      window.add(100, START + second * SECOND);
      assertThat(window.perSecond(START + second * SECOND + SECOND - 1)).isCloseTo(100, within(0.01));
    }
  }

  @Test
  void whatIsOlderThanAMinuteIsForgotten() {
    RateWindow window = new RateWindow(START);
    window.add(600, START);
    assertThat(window.perSecond(START)).as("at least a second is covered").isEqualTo(600);
    assertThat(window.perSecond(START + 10 * SECOND)).isEqualTo(60);
    assertThat(window.perSecond(START + 61 * SECOND)).isZero();
    assertThat(window.perSecond(START + 10_000 * SECOND)).isZero();
  }
}
