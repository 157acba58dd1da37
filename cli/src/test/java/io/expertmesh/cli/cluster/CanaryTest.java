package io.expertmesh.cli.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.cli.cluster.ClusterLayout.Placement;
import io.expertmesh.model.family.ModelFingerprint;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Which processes a second version of the model needs. */
class CanaryTest {
  private static final ModelFingerprint MAIN = fingerprint("main", "tiny", "a", "b", "c", "d", "e");

  private static ModelFingerprint fingerprint(String version, String shape, String... digests) {
    return new ModelFingerprint(version, shape, "f32", "f32", "exact", "", List.of(digests));
  }

  private static ClusterLayout layout(Placement placement, ModelFingerprint canary) {
    return new ClusterLayout(5, 2, 1, 1, placement, "127.0.0.1", 0, 0, 1, Backends.CPU, List.of(),
        List.of("--model", "main"), List.of(), role -> List.of(), null, true)
        .with(Canary.of("next", List.of("--model", "next"), MAIN, canary, 5.0));
  }

  @Test
  void onlyGroupsWithOtherExpertsNeedProcesses() {
    assertThat(layout(Placement.FIXED, fingerprint("next", "tiny", "a", "b", "x", "d", "e")).canaryGroups())
        .containsExactly(1);
    assertThat(layout(Placement.FIXED, fingerprint("next", "tiny", "x", "b", "c", "d", "x")).canaryGroups())
        .containsExactly(0, 1);
    assertThat(layout(Placement.FIXED, fingerprint("next", "tiny", "a", "b", "c", "d", "e")).canaryGroups()).isEmpty();
  }

  @Test
  void theRouterPlacesTheExpertsOfAWholeVersion() {
    ClusterLayout different = layout(Placement.AUTO, fingerprint("next", "tiny", "a", "b", "x", "d", "e"));
    assertThat(different.canaryGroups()).containsExactly(0, 1);
    assertThat(different.expertsOf(0)).isEqualTo("auto");
    assertThat(different.gateway(0, "127.0.0.1:1", "0", "0")).contains("--canary", "next");
  }

  @Test
  void aVersionThatCannotBeOneIsRefused() {
    assertThatThrownBy(() -> layout(Placement.FIXED, MAIN)).hasMessageContaining("the same checkpoint");
    assertThatThrownBy(() -> layout(Placement.FIXED, fingerprint("next", "large", "a")))
        .hasMessageContaining("'large'").hasMessageContaining("'tiny'");
    assertThatThrownBy(() -> new Canary("next", List.of(), List.of("main", "next"), Set.of(), 101.0))
        .hasMessageContaining("--canary-percent is 101.0");
  }
}
