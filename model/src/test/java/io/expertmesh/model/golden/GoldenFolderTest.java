package io.expertmesh.model.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.golden.GoldenCase.Prompt;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import tools.jackson.databind.json.JsonMapper;

/**
 * The checkpoints of a folder, such as {@code tools/golden/random_configs.py} makes, against what transformers computed
 * with them. What is refused is listed, and no difference.
 */
@EnabledIfSystemProperty(named = "expertmesh.golden", matches = ".+")
class GoldenFolderTest {
  /** Of one family. */
  private static final class Count {
    private int checked;
    private int refused;
    private float logprobs;
    private float stages;

    private void add(String stage, float difference) {
      if (stage.equals("logprobs")) {
        logprobs = Math.max(logprobs, difference);
      } else {
        stages = Math.max(stages, difference);
      }
    }
  }

  private final Map<String, Count> families = new TreeMap<>();
  private final List<String> refused = new ArrayList<>();
  private final List<String> wrong = new ArrayList<>();

  @Test
  void everyModelAgreesWithTransformersOrIsRefused() throws IOException {
    List<Path> folders;
    try (Stream<Path> all = Files.list(Path.of(System.getProperty("expertmesh.golden", "")))) {
      folders = all.filter(folder -> Files.exists(folder.resolve("reference.json"))).sorted().toList();
    }
    folders.forEach(this::check);
    System.out.println("| family | checked | refused | log-probabilities | other stages |");
    families.forEach((family, count) -> System.out.printf("| %s | %d | %d | %.1e | %.1e |%n", family, count.checked,
        count.refused, count.logprobs, count.stages));
    refused.forEach(System.out::println);
    assertThat(folders).isNotEmpty();
    assertThat(wrong).isEmpty();
  }

  private void check(Path folder) {
    String type = JsonMapper.shared().readTree(folder.resolve("config.json")).path("model_type").asString();
    Count count = families.computeIfAbsent(type, family -> new Count());
    GoldenRun run;
    try {
      run = GoldenRun.of(GoldenCase.in(folder));
    } catch (FailureException e) {
      count.refused++;
      refused.add("refused: " + e.getMessage());
      return;
    }
    count.checked++;
    for (Prompt prompt : run.golden().prompts(0)) {
      String what = folder.getFileName() + " " + prompt.key() + " ";
      run.differences(prompt).forEach((stage, difference) -> {
        // Hidden states of random sizes can be large, and log-probabilities that follow from them are not.
        float relative = stage.equals("logprobs") ? difference : difference / run.magnitude(prompt, stage);
        count.add(stage, relative);
        if (!(relative <= GoldenRun.tolerance(stage))) {
          wrong.add(what + stage + " differs by " + difference);
        }
      });
      int[] greedy = run.greedy(prompt);
      if (!Arrays.equals(greedy, prompt.greedyTokenIds())) {
        wrong.add(what + "gives " + Arrays.toString(greedy) + ", not " + Arrays.toString(prompt.greedyTokenIds()));
      }
    }
  }
}
