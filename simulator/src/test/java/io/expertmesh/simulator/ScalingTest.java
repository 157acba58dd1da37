package io.expertmesh.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.simulator.plot.LineChart;
import io.expertmesh.simulator.scaling.ScalingRule;
import io.expertmesh.simulator.scaling.Timeline;
import io.expertmesh.simulator.study.Comparison;
import io.expertmesh.simulator.study.Study;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class ScalingTest {
  private static final ScalingRule RULE = new ScalingRule(1, 20, 0.6, 120, 20);

  @Test
  void theRuleIsThatOfTheAutoscaler() {
    assertThat(RULE.wanted(1.2, 2)).as("as it should be").isEqualTo(2);
    assertThat(RULE.wanted(1.3, 2)).as("within a tenth").isEqualTo(2);
    assertThat(RULE.wanted(1.4, 2)).isEqualTo(3);
    assertThat(RULE.wanted(0.6, 2)).isEqualTo(1);
    assertThat(RULE.wanted(0, 2)).isEqualTo(1);
    assertThat(RULE.wanted(100, 2)).isEqualTo(20);
  }

  @Test
  void podsFollowTheLoadAndNoRequestIsLost() {
    Study study = Study.of(Samples.scenario("ramp:from=1,to=400,minutes=20", "zipf:1.5"), (task, done, total) -> {});
    Timeline groups = study.groups();
    assertThat(groups.points().getLast().pods()).isGreaterThan(groups.points().getFirst().pods());
    assertThat(groups.served() + groups.points().getLast().backlog()).isCloseTo(groups.requests(),
        Percentage.withPercentage(1e-6));
    int[] last = groups.points().getLast().replicas();
    assertThat(last[0]).as("the hot group has the most").isGreaterThanOrEqualTo(last[3]);
    assertThat(study.groupMoments()).hasSize(12)
        .allSatisfy(moment -> assertThat(moment.outcome().tokens()).isPositive());
  }

  @Test
  void aLoadThatGoesTakesPodsAwaySlowly() {
    Study study = Study.of(Samples.scenario("ramp:from=400,to=1,minutes=20", "uniform"), (task, done, total) -> {});
    int before = study.workers().points().getFirst().pods();
    double changed = 0;
    for (Timeline.Point point : study.workers().points()) {
      assertThat(point.pods()).isGreaterThanOrEqualTo(before - 1);
      if (point.pods() < before) {
        assertThat(point.time() - changed).isGreaterThanOrEqualTo(120);
        changed = point.time();
      }
      before = point.pods();
    }
    assertThat(study.groups().points().getLast().pods()).isLessThan(study.groups().points().getFirst().pods());
  }

  @Test
  void studiesRepeat() {
    Study first = Study.of(Samples.scenario("constant:100", "zipf:1"), (task, done, total) -> {});
    Study second = Study.of(Samples.scenario("constant:100", "zipf:1"), (task, done, total) -> {});
    assertThat(second.groups().cost()).isEqualTo(first.groups().cost());
    assertThat(second.events()).isEqualTo(first.events());
    assertThat(Study.timePerToken(second.groupMoments()).quantile(0.99))
        .isEqualTo(Study.timePerToken(first.groupMoments()).quantile(0.99));
  }

  @Test
  void withoutSkewItDoesNotMatterWhetherGroupsScaleAlike() {
    Comparison comparison = Study.of(Samples.scenario("constant:400", "uniform"), (task, done, total) -> {})
        .comparison();
    Comparison.Row even = comparison.bySkew().getFirst();
    assertThat(even.imbalance()).isBetween(1.0, 1.05);
    assertThat(even.groups().pods()).isEqualTo(even.equalGroups().pods());
    Comparison.Row skewed = comparison.bySkew().getLast();
    assertThat(skewed.imbalance()).isGreaterThan(1.3);
    assertThat(skewed.groups().perHour()).isLessThanOrEqualTo(skewed.equalGroups().perHour());
  }

  @Test
  void chartsAreWholePictures() {
    String svg = new LineChart("a < b", "x", "ms", true).line("one", new double[]{1, 2, 4}, new double[]{1, 3, 2})
        .line("gaps", new double[]{1, 2}, new double[]{Double.NaN, 5}).svg();
    assertThat(svg).startsWith("<svg ").endsWith("</svg>\n").contains("a &lt; b", ">one<", ">ms<")
        .doesNotContain("NaN");
  }
}
