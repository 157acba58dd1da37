package io.expertmesh.gateway.security;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class KeyBudgetTest {
  private long now;

  private final KeyBudget budget = new KeyBudget("tokens", 100, () -> now);

  private void pass(int seconds) {
    now += Duration.ofSeconds(seconds).toNanos();
  }

  @Test
  void aMinuteBringsEverythingBack() {
    budget.use(100);
    assertThat(budget.left()).isZero();
    pass(50);
    assertThat(budget.left()).isZero();
    assertThat(budget.secondsToRefill()).isEqualTo(10);
    pass(10);
    assertThat(budget.left()).isEqualTo(100);
  }

  @Test
  void whatWasNotUsedIsNotSaved() {
    budget.use(1);
    pass(600);
    assertThat(budget.left()).isEqualTo(100);
  }

  @Test
  void debtIsPaidBackByTheFollowingMinutes() {
    budget.use(250);
    assertThat(budget.left()).isEqualTo(-150);
    assertThat(budget.secondsToRefill()).isEqualTo(120);
    pass(60);
    assertThat(budget.left()).isEqualTo(-50);
    pass(60);
    assertThat(budget.left()).isEqualTo(50);
  }
}
