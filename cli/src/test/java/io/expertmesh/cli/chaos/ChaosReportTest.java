package io.expertmesh.cli.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.cli.chaos.ChaosReport.Span;
import io.expertmesh.cli.chaos.ChaosReport.Stall;
import io.expertmesh.cli.chaos.Load.Observation;
import io.expertmesh.cli.chaos.Monkey.Act;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class ChaosReportTest {
  private static final Span CALM = new Span(at(0), at(3_000));
  private static final Span CHAOS = new Span(at(3_000), at(6_000));

  private static long at(long millis) {
    return TimeUnit.MILLISECONDS.toNanos(millis);
  }

  private static Observation answer(long... tokenMillis) {
    return new Observation(at(tokenMillis[0]), LongStream.of(tokenMillis).map(ChaosReportTest::at).toArray(), null,
        false);
  }

  private static Map<String, Stall> stalls(List<Observation> observations, Act... acts) {
    return ChaosReport.of(observations, List.of(acts), List.of(), CALM, CHAOS,
        new ResidentMemory.Course(0, 0, 0, 0)).stalls();
  }

  @Test
  void aWaitThatAKillInterruptedIsToldFromLaterOnes() {
    Observation hit = answer(3_990, 4_030, 4_040);
    Observation later = answer(4_400, 4_470, 4_480);
    Observation before = answer(3_000, 3_500);
    Stall kill = stalls(List.of(hit, later, before), new Act(Fault.KILL, "expert-0-0", at(4_000))).get("KILL");
    assertThat(kill).isEqualTo(new Stall(1, 40, 40, 70, 70));
  }

  @Test
  void calmSecondsStandBesideFaults() {
    List<Observation> observations = List.of(answer(0, 10, 20), answer(1_000, 1_030), answer(2_500, 2_550));
    Stall none = stalls(observations).get("NONE");
    assertThat(none).isEqualTo(new Stall(3, 10, 30, 30, 50));
  }
}
