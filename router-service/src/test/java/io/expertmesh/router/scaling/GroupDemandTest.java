package io.expertmesh.router.scaling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.expertmesh.proto.v1.ExpertLoad;
import io.expertmesh.proto.v1.LoadReport;
import org.junit.jupiter.api.Test;

class GroupDemandTest {
  private static final long SECOND = 1_000_000_000L;

  private final GroupDemand demand = new GroupDemand(0);
  /** Reports come in the middle of the seconds that are counted. */
  private long now = SECOND / 2;

  /** A process that computes for a share of each of some seconds, 1000 rows in a second of work. */
  private void busy(double share, int seconds) {
    for (int i = 0; i < seconds; i++) {
      now += SECOND;
      demand.add(LoadReport.newBuilder().setBusyMicros((long) (share * 1e6))
          .addExperts(ExpertLoad.newBuilder().setRows((long) (share * 1000))).build(), 1000, now);
    }
  }

  @Test
  void aLoadThatHasJustComeCountsInFullAfterFiveSeconds() {
    busy(0.1, 60);
    busy(0.8, 5);
    assertThat(demand.busyReplicas(now)).isCloseTo(0.8, within(0.1));
    assertThat(demand.rowsPerSecond(now) / demand.busyReplicas(now)).as("capacity").isCloseTo(1000, within(1e-6));
    busy(0.8, 60);
    assertThat(demand.busyReplicas(now)).isCloseTo(0.8, within(0.06));
  }

  @Test
  void aLoadThatGoesOrTremblesIsTheMeanOfAllSeconds() {
    busy(0.8, 60);
    busy(0, 5);
    assertThat(demand.busyReplicas(now)).isCloseTo(0.8 * 2 / 3, within(0.06));
    busy(0, 15);
    assertThat(demand.busyReplicas(now)).isCloseTo(0, within(0.06));
    for (int i = 0; i < 15; i++) {
      busy(0.45, 1);
      busy(0.55, 1);
    }
    assertThat(demand.busyReplicas(now)).isCloseTo(0.5, within(0.06));
  }
}
