package io.expertmesh.engine.experts;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.model.decoder.Routing;
import org.junit.jupiter.api.Test;

class DispatchPlanTest {
  @Test
  void rowsAreGroupedByExpertAndTokensFindTheirsInAscendingOrder() {
    // Token 0 goes to 5 then 2, token 1 to 2 then 0, token 2 to 5 then 0.
    Routing routing = new Routing(3, 2, new int[]{5, 2, 2, 0, 5, 0}, new float[]{1, 1, 1, 1, 1, 1});
    DispatchPlan plan = DispatchPlan.of(routing, 6);
    assertThat(plan.expertIds()).containsExactly(0, 2, 5);
    assertThat(plan.starts()).containsExactly(0, 2, 4, 6);
    assertThat(plan.tokens()).containsExactly(1, 2, 0, 1, 0, 2);
    assertThat(plan.assignments()).containsExactly(3, 5, 1, 2, 0, 4);
    assertThat(plan.rowsOfToken()).containsExactly(2, 4, 0, 3, 1, 5);
  }

  @Test
  void assignmentsOfWeightZeroHaveNoRow() {
    // Token 0 goes to 2 alone, token 1 nowhere, token 2 to 5 and 0.
    Routing routing = new Routing(3, 2, new int[]{5, 2, 2, 0, 5, 0}, new float[]{0, 1, 0, 0, 1, 1});
    DispatchPlan plan = DispatchPlan.of(routing, 6);
    assertThat(plan.expertIds()).containsExactly(0, 2, 5);
    assertThat(plan.starts()).containsExactly(0, 1, 2, 3);
    assertThat(plan.tokens()).containsExactly(2, 0, 2);
    assertThat(plan.assignments()).containsExactly(5, 1, 4);
    assertThat(plan.rowsOfToken()).containsExactly(1, -1, -1, -1, 0, 2);
  }
}
