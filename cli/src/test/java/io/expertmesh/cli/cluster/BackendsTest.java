package io.expertmesh.cli.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BackendsTest {
  private static List<String> firstFour(Backends backends) {
    return IntStream.range(0, 4).mapToObj(i -> String.join(" ", backends.options(i))).toList();
  }

  @Test
  void processesTakeNamesInTurnAndThoseWithDevicesTheDevices() {
    assertThat(firstFour(Backends.CPU)).containsOnly("--backend cpu");
    assertThat(firstFour(new Backends(List.of("tornado", "cpu", "tornado"), List.of("0", "1")))).containsExactly(
        "--backend tornado --device 0", "--backend cpu", "--backend tornado --device 1",
        "--backend tornado --device 0");
    assertThat(firstFour(new Backends(List.of("cpu", "tornado"), List.of()))).containsExactly(
        "--backend cpu", "--backend tornado", "--backend cpu", "--backend tornado");
  }
}
