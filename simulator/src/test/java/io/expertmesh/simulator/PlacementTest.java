package io.expertmesh.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.simulator.load.LoadCurve;
import io.expertmesh.simulator.placement.GreedyReplicas;
import io.expertmesh.simulator.placement.Groups;
import io.expertmesh.simulator.routing.Routing;
import io.expertmesh.simulator.routing.RoutingSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PlacementTest {
  @TempDir
  private Path folder;

  @Test
  void groupsAreReadAndWritten() {
    Groups groups = Groups.parse("0, 5,7;1-4 ;6", 8);
    assertThat(groups.count()).isEqualTo(3);
    assertThat(groups.label(0)).isEqualTo("0,5,7");
    assertThat(groups.label(1)).isEqualTo("1-4");
    assertThat(groups.of(6)).isEqualTo(2);
    assertThat(Groups.parse("3", 8).members(1)).containsExactly(2, 3, 4);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
          "0-3;3-7 | expert 3 is in two groups",
          "0-3;5-7 | expert 4 is in no group",
          "0-3;6-7 | expert 4 is in no group, and so are 1 more",
          "0-8     | there is no expert 8; the model has 0 to 7",
          "0,0,1-7 | expert 0 is named twice in a group",
          "9       | 9; the model's 8 experts make 1 to 8 groups",
          "0       | 0; the model's 8 experts make 1 to 8 groups",
          "-1      | is neither a number of groups nor expert ids",
          "7-0     | '7-0' counts down",
          "0-7;    | is neither a number of groups nor expert ids"})
  void wrongGroupsAreRefused(String text, String message) {
    assertThatThrownBy(() -> Groups.parse(text, 8)).isInstanceOf(FailureException.class)
        .hasMessageStartingWith("--groups").hasMessageContaining(message);
  }

  @Test
  void replicasGoToTheMostLoadPerReplica() {
    assertThat(GreedyReplicas.of(new double[]{8, 4, 1, 1}, 8)).containsExactly(4, 2, 1, 1);
    assertThat(GreedyReplicas.of(new double[]{1, 1, 1}, 3)).containsExactly(1, 1, 1);
  }

  @Test
  void drawnRoutingHasTheSharesOfItsLaw() {
    for (double share : Samples.routing("uniform").shares()[0]) {
      assertThat(share).isCloseTo(0.25, Offset.offset(0.02));
    }
    double[] shares = Samples.routing("zipf:1.5").shares()[1];
    assertThat(shares).isSortedAccordingTo((a, b) -> Double.compare(b, a));
    double sum = 0;
    for (double share : shares) {
      sum += share;
    }
    assertThat(sum).isCloseTo(2, Offset.offset(1e-9));
    // top-1 follows Zipf's law itself
    ModelShape one = new ModelShape("one", 1, 4, 1, 1, 1, 1, 1, 1, 1, 1);
    double[] top = RoutingSource.open("zipf:1", one, 2).shares()[0];
    assertThat(top[0] / top[3]).isCloseTo(4, Offset.offset(0.5));
  }

  @Test
  void layersMayHaveOrdersOfTheirOwn() {
    double[][] shares = RoutingSource.open("zipf:2:layers", Samples.MODEL, 3).shares();
    assertThat(shares[0]).isNotEqualTo(shares[1]);
  }

  @Test
  void recordedAnswersAreReplayed() throws IOException {
    Path file = folder.resolve("routing.jsonl");
    String routing = """
        {"choices": [{"text": "a", "routing": {"moe_layers": [0, 1], "experts": [[[0, 1], [2, 3]], [[4, 5], [6, 7]]],
          "weights": [[[0.6, 0.4], [0.6, 0.4]], [[0.6, 0], [0.6, 0.4]]]}}]}
        {"routing": {"experts": [[[7, 6], [5, 4]]]}}
        """;
    Files.writeString(file, routing);
    Routing recorded = RoutingSource.open(file.toString(), Samples.MODEL, 1);
    assertThat(recorded.tokens()).isEqualTo(3);
    assertThat(recorded.expert(0, 0, 1)).isEqualTo(1);
    assertThat(recorded.expert(0, 1, 1)).as("dropped").isEqualTo(-1);
    assertThat(recorded.expert(1, 1, 1)).isEqualTo(7);
    assertThat(recorded.expert(0, 2, 0)).isEqualTo(7);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
          "not json                                | is not JSON",
          "{\"object\": \"list\"}                  | has no routing",
          "[]                                      | has no tokens",
          "{\"experts\": [[[0, 1]]]}               | has 1 layers at token 0, and the model has 2",
          "{\"experts\": [[[0, 1], [0]]]}          | has 1 experts in a layer at token 0, and the model has 2",
          "{\"experts\": [[[0, 1], [0, 8]]]}       | names the expert 8 at token 0, and the model has 0 to 7",
          "{\"experts\": [[[0, 1], [0, \"x\"]]]}   | names the expert \"x\" at token 0",
          "{\"experts\": [5]}                      | has no list of layers at token 0"})
  void filesThatAreNoRoutingAreRefused(String text, String message) throws IOException {
    Path file = folder.resolve("routing.json");
    Files.writeString(file, text);
    assertThatThrownBy(() -> RoutingSource.open(file.toString(), Samples.MODEL, 1))
        .isInstanceOf(FailureException.class).hasMessageContaining("routing.json").hasMessageContaining(message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "zipf", "zipf:", "zipf:x", "zipf:-1", "zipf:1:rows", "domains:", "domains:0.5,-1",
          "domains:0.5:x", "uniform:1", "nothing.txt", "missing.json"})
  void unknownRoutingIsRefused(String text) {
    assertThatThrownBy(() -> RoutingSource.open(text, Samples.MODEL, 1)).isInstanceOf(FailureException.class)
        .hasMessageStartingWith("--routing");
  }

  @Test
  void loadsAreRead() {
    assertThat(LoadCurve.parse("constant:20").at(1e9)).isEqualTo(20);
    LoadCurve ramp = LoadCurve.parse("ramp:from=2,to=10,minutes=4");
    assertThat(ramp.at(120)).isEqualTo(6);
    assertThat(ramp.mean()).isCloseTo(6, Offset.offset(1e-9));
    LoadCurve day = LoadCurve.parse("day:peak=50,low=10");
    assertThat(day.at(4 * 3600)).isCloseTo(10, Offset.offset(1e-9));
    assertThat(day.at(16 * 3600)).isCloseTo(50, Offset.offset(1e-9));
    assertThat(day.mean()).isCloseTo(30, Offset.offset(1e-6));
    assertThat(LoadCurve.parse("day:peak=50").at(4 * 3600)).isCloseTo(5, Offset.offset(1e-9));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "20", "constant", "constant:-1", "constant:0", "constant:x", "ramp:from=1", "ramp:to=-1",
          "ramp:to=1,minutes=0", "day:low=2", "day:peak=1,low=2", "day:peak=1,hours=2", "day:peak", "week:1"})
  void wrongLoadsAreRefused(String text) {
    assertThatThrownBy(() -> LoadCurve.parse(text)).isInstanceOf(FailureException.class)
        .hasMessageStartingWith("--load is '" + text + "'");
  }
}
