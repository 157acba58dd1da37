package io.expertmesh.cli.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.cli.cluster.ClusterLayout.Placement;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClusterLayoutTest {
  private static final ClusterLayout LAYOUT = new ClusterLayout(8, 3, 2, 1, Placement.FIXED, "127.0.0.1", 0, 0, 1,
      Backends.CPU, List.of(), List.of(), List.of(), role -> List.of(), null, true);

  private static List<String> options(ClusterLayout layout, int group, int replica) {
    return layout.expert("expert", group, replica, List.of(), "127.0.0.1:1", "0", "0");
  }

  @Test
  void groupsTakeTypesInTurnAndReplicasHaveTheirGroups() {
    ClusterLayout mixed = LAYOUT.holding(List.of("stored", "q4_0"));
    for (int replica = 0; replica < 2; replica++) {
      assertThat(options(mixed, 0, replica)).containsSequence("--expert-dtype", "stored");
      assertThat(options(mixed, 1, replica)).containsSequence("--expert-dtype", "q4_0");
      assertThat(options(mixed, 2, replica)).containsSequence("--expert-dtype", "stored");
    }
    assertThat(options(LAYOUT, 1, 0)).doesNotContain("--expert-dtype");
  }
}
