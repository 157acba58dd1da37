package io.expertmesh.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class SimulateCommandTest {
  private static final String DEMO = "../models/demo";

  @TempDir
  private Path folder;

  private static CommandLineRun simulate(String... options) {
    List<String> all = new ArrayList<>(List.of("simulate", "--model", DEMO));
    all.addAll(List.of(options));
    if (all.stream().noneMatch(option -> option.startsWith("--window"))) {
      all.addAll(List.of("--window", "200ms"));
    }
    return CommandLineRun.of(all.toArray(String[]::new));
  }

  @Test
  void oneObjectOfJsonAndTheSameWithTheSameSeed() {
    String[] options = {"--json", "--groups", "0-3;4-15", "--replicas", "2,1", "--gateways", "2", "--seed", "3"};
    CommandLineRun run = simulate(options);
    assertThat(run.exitCode()).as(run.err()).isZero();
    JsonNode report = JsonMapper.shared().readTree(run.out());
    assertThat(report.at("/groups/0/experts").stringValue()).isEqualTo("0-3");
    assertThat(report.at("/groups/0/most_replicas").intValue()).isEqualTo(2);
    assertThat(report.at("/mesh/most_pods").intValue()).isEqualTo(5);
    assertThat(report.at("/mesh/time_per_token/p99_millis").doubleValue()).isPositive();
    assertThat(report.at("/model/expert_parameters").longValue()).isEqualTo(3 * 96 * 192);
    assertThat(simulate(options).out()).isEqualTo(run.out());
    assertThat(run.err()).contains("5 pods", "events in");
  }

  @Test
  void plotsAreWritten() throws IOException {
    CommandLineRun run = simulate("--load", "ramp:from=1,to=60,minutes=2", "--out", folder.toString());
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).contains("expert groups", "whole workers", "cost less than whole workers");
    for (String name : List.of("cost-by-skew", "cost-by-load", "load", "pods", "latency", "groups")) {
      assertThat(folder.resolve(name + ".svg")).content().startsWith("<svg ").doesNotContain("NaN");
    }
    assertThat(Files.readString(folder.resolve("index.html"))).contains("<svg ", "whole workers")
        .doesNotContain("src=");
    assertThat(JsonMapper.shared().readTree(Files.readString(folder.resolve("simulation.json"))).has("mesh")).isTrue();
  }

  @Test
  void theModelsOwnRoutingIsRecordedAndReplayed() throws IOException {
    Path recording = folder.resolve("routing.jsonl");
    CommandLineRun run = simulate("--routing", "model", "--record", recording.toString(), "--json");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(Files.readAllLines(recording)).hasSizeGreaterThan(3);
    CommandLineRun replayed = simulate("--routing", recording.toString(), "--json");
    JsonNode first = JsonMapper.shared().readTree(run.out());
    JsonNode second = JsonMapper.shared().readTree(replayed.out());
    assertThat(second.get("mesh")).isEqualTo(first.get("mesh"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
          "--routing=sometimes          | --routing is 'sometimes'; it must be uniform, zipf:1.1",
          "--routing=missing.json       | missing.json cannot be read: no such file or folder",
          "--routing=pom.xml.json       | pom.xml.json cannot be read",
          "--load=often                 | --load is 'often': it must be constant:20",
          "--load=constant:-3           | must be above 0",
          "--groups=0-7;7-15            | expert 7 is in two groups",
          "--groups=0-7;9-15            | expert 8 is in no group",
          "--groups=17                  | 17; the model's 16 experts make 1 to 16 groups",
          "--replicas=1,2               | --replicas has 2 numbers for 4 groups",
          "--replicas=3                 | at least one for each of the 4 groups",
          "--replicas=0,1,1,1           | --replicas is 0; it must be from 1",
          "--gateways=-1                | --gateways is -1; it must be from 0",
          "--expert-cores=-1            | --expert-cores is -1; it must be from",
          "--gflops=NaN                 | --gflops is NaN",
          "--message-gbytes=0           | --message-gbytes is 0; it must be from 0.001",
          "--price-core-hour=-2         | --price-core-hour is -2",
          "--min-replicas=5 --max-replicas=2 | --max-replicas is 2; it must be from 5",
          "--prompt=0                   | --prompt is 0; it must be from 1",
          "--window=0s                  | --window is 0",
          "--costs=missing.json         | --costs: missing.json cannot be read",
          "--costs=../models/demo/config.json | is no costs.json of simulate --validate",
          "--record=x.jsonl             | --record is for --routing model",
          "--like=meta-llama/Llama-3.2-1B | simulated are decoders of which a token visits a part of the experts",
          "--like=google/switch-base-8  | has an encoder"})
  void wrongOptionsAreOneLineAndExitCode2(String options, String message) {
    CommandLineRun run = simulate(options.split(" "));
    assertThat(run.exitCode()).isEqualTo(FailureReport.USER_ERROR);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains(message);
    assertThat(run.out()).isEmpty();
  }
}
