package io.expertmesh.cli;

import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.model.failure.FailureException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.annotation.JsonNaming;
import tools.jackson.databind.json.JsonMapper;

/** Measures how fast a model runs on this machine. */
@Command(
    name = "bench",
    description = "Measures prefill and decode speed with random prompts. Some runs before the measured ones warm up.",
    footer = {
        "",
        "Examples:",
        "  expertmesh bench --model olmoe-q8_0.gguf --prompt 256 --generate 64",
        "  expertmesh bench --batch 8 --repeat 5 --json > bench.json"})
final class BenchCommand implements Callable<Integer> {
  /** So that the JVM has compiled what a small model runs; a large one takes longer for a single run. */
  private static final Duration WARM_UP = Duration.ofSeconds(4);

  @Mixin
  private ModelOptions model = new ModelOptions();

  @Option(
      names = "--prompt",
      paramLabel = "N",
      defaultValue = "512",
      description = "Tokens of a prompt. Default: ${DEFAULT-VALUE}.")
  private int promptTokens;

  @Option(
      names = "--generate",
      paramLabel = "N",
      defaultValue = "64",
      description = "Tokens to generate for a prompt. Default: ${DEFAULT-VALUE}.")
  private int generatedTokens;

  @Option(
      names = "--batch",
      paramLabel = "N",
      defaultValue = "1",
      description = "Requests at the same time. Default: ${DEFAULT-VALUE}.")
  private int batch;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      defaultValue = "3",
      description = "Measured runs. Default: ${DEFAULT-VALUE}.")
  private int repeat;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() throws InterruptedException {
    requireAtLeast("--prompt", promptTokens, 1);
    requireAtLeast("--generate", generatedTokens, 2);
    requireAtLeast("--batch", batch, 1);
    requireAtLeast("--repeat", repeat, 1);
    try (EmbeddedModel opened = model.open()) {
      BenchRun bench = new BenchRun(opened.served(), promptTokens, generatedTokens, batch);
      List<BenchRun.Speed> speeds = new ArrayList<>();
      try (ProgressBars progress = ProgressBars.of("runs")) {
        progress.update("warming up", 0, 1);
        long start = System.nanoTime();
        for (int seed = -1; seed == -1 || System.nanoTime() - start < WARM_UP.toNanos(); seed--) {
          bench.run(seed);
        }
        for (int seed = 1; seed <= repeat; seed++) {
          progress.update("measuring", seed - 1L, repeat);
          speeds.add(bench.run(seed));
        }
      }
      print(report(opened, speeds));
    }
    return 0;
  }

  private static void requireAtLeast(String option, int value, int least) {
    if (value < least) {
      throw FailureException.invalidParameter(option,
          "%s is %d; it must be at least %d".formatted(option, value, least));
    }
  }

  private Report report(EmbeddedModel opened, List<BenchRun.Speed> speeds) {
    double[] prefill = speeds.stream().mapToDouble(BenchRun.Speed::prefillTokensPerSecond).toArray();
    double[] decode = speeds.stream().mapToDouble(BenchRun.Speed::decodeTokensPerSecond).toArray();
    return new Report(median(prefill), median(decode), prefill, decode, promptTokens, generatedTokens, batch, repeat,
        opened.served().name(), opened.kernels().name(), opened.kernels().numerics().label(), opened.threads(),
        Machine.peakResidentBytes(), Machine.current());
  }

  static double median(double[] samples) {
    double[] sorted = samples.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  private void print(Report report) {
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(JsonMapper.shared().writeValueAsString(report));
    } else {
      out.println(String.format(Locale.ROOT, """
          %s, %s kernels, %s numerics, %d threads on %s (%d cores)
          prefill  %10.1f tokens/s   %s
          decode   %10.1f tokens/s   %s""",
          report.model, report.kernels, report.numerics, report.threads, report.machine.cpu(), report.machine.cores(),
          report.prefillTokensPerS, samples(report.prefillSamples),
          report.decodeTokensPerS, samples(report.decodeSamples)));
    }
    out.flush();
  }

  private static String samples(double[] samples) {
    List<String> rounded = new ArrayList<>();
    for (double sample : samples) {
      rounded.add(String.format(Locale.ROOT, "%.1f", sample));
    }
    return "(" + String.join(", ", rounded) + ")";
  }

  /** What {@code --json} prints. */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  private record Report(
      double prefillTokensPerS,
      double decodeTokensPerS,
      double[] prefillSamples,
      double[] decodeSamples,
      int prompt,
      int generate,
      int batch,
      int repeat,
      String model,
      String kernels,
      String numerics,
      int threads,
      @Nullable Long peakResidentBytes,
      Machine machine) {}
}
