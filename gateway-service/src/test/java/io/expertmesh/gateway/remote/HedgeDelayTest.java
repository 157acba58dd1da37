package io.expertmesh.gateway.remote;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class HedgeDelayTest {
  private final HedgeDelay delay = new HedgeDelay();

  private long millis(int rows) {
    return TimeUnit.NANOSECONDS.toMillis(delay.nanos(rows));
  }

  private void record(int rows, int times, int millis) {
    for (int i = 0; i < times; i++) {
      delay.record(rows, TimeUnit.MILLISECONDS.toNanos(millis));
    }
  }

  @Test
  void isATenthOfASecondWhileNothingIsKnown() {
    assertThat(millis(1)).isEqualTo(100);
    assertThat(millis(5000)).isEqualTo(100);
  }

  @Test
  void comesDownToTheShortestWhereAnswersAreQuick() {
    record(8, 50, 2);
    assertThat(millis(8)).isEqualTo(15);
    assertThat(millis(5)).isEqualTo(15); // 5 to 8 rows are counted together
  }

  @Test
  void growsWithTheRowsWhereNothingIsKnownOfSoMany() {
    record(8, 50, 2);
    assertThat(millis(4096)).isBetween(1000L, 1100L);
  }

  @Test
  void isNotMovedFarByOneThatHung() {
    record(8, 50, 10);
    record(8, 1, 60_000);
    assertThat(millis(8)).isLessThan(150);
    record(8, 50, 10);
    assertThat(millis(8)).isLessThan(20);
  }

  @Test
  void followsWhenAllBecomeSlow() {
    record(8, 50, 2);
    record(8, 200, 400);
    assertThat(millis(8)).isBetween(400L, 800L);
  }
}
