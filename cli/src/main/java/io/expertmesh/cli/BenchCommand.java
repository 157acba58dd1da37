package io.expertmesh.cli;

import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.gateway.remote.ExpertTraffic;
import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
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
import picocli.CommandLine.Option;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.annotation.JsonNaming;
import tools.jackson.databind.json.JsonMapper;

/** Measures how fast a model runs on this machine. */
@Command(
    name = "bench",
    description = {
        "Measures prefill and decode speed with random prompts. Some runs before the measured ones warm up.",
        "With --cluster, runs with the experts in this process and in processes of their own take turns."},
    footer = {
        "",
        "Examples:",
        "  expertmesh bench --model olmoe-q8_0.gguf --prompt 256 --generate 64",
        "  expertmesh bench --batch 8 --repeat 5 --json > bench.json",
        "  expertmesh bench --cluster --shards 4 --batch 16 --prompt 64"})
final class BenchCommand implements Callable<Integer> {
  /** So that the JVM has compiled what a small model runs; a large one takes longer for a single run. */
  private static final Duration WARM_UP = Duration.ofSeconds(4);
  /** So that the JVMs of all processes have. */
  private static final Duration CLUSTER_WARM_UP = Duration.ofSeconds(60);

  @Mixin
  private ClusterOptions cluster = new ClusterOptions(1);

  @Mixin
  private ExpertTypeOptions types = new ExpertTypeOptions();

  @Option(
      names = "--cluster",
      description = "Also measure with the experts as processes: --shards, --replicas and the options with them.")
  private boolean onCluster;

  @Option(
      names = "--micro-batches",
      paramLabel = "1|2",
      defaultValue = "2",
      description = "Parts of a step on the cluster: with 2, attention of one runs beside the experts of the other. Default: ${DEFAULT-VALUE}.")
  private int microBatches;

  @Mixin
  private RequestLengths lengths = new RequestLengths(512, 64);

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

  @Mixin
  private ResultOptions result = new ResultOptions();

  @Override
  public Integer call() throws IOException, InterruptedException {
    requireAtLeast("--prompt", lengths.promptTokens(), 1);
    requireAtLeast("--generate", lengths.generatedTokens(), 2);
    requireAtLeast("--batch", batch, 1);
    requireAtLeast("--repeat", repeat, 1);
    if (!onCluster && types.isGiven()) {
      throw FailureException.invalidParameter("--expert-dtype",
          "--expert-dtype is for expert processes: give --cluster too, or --quantize for all of the model");
    }
    try (EmbeddedModel opened = cluster.model().open();
        BenchCluster remote = onCluster ? BenchCluster.start(cluster, types, microBatches, this::log) : null;
        ProgressBars progress = ProgressBars.of("runs")) {
      BenchRun embedded = new BenchRun(opened.served(), lengths.promptTokens(), lengths.generatedTokens(), batch);
      List<BenchRun> alternating = new ArrayList<>(List.of(embedded));
      if (remote != null) {
        alternating
            .add(new BenchRun(remote.model().served(), lengths.promptTokens(), lengths.generatedTokens(), batch));
      }
      progress.update("warming up", 0, 1);
      warmUp(embedded, WARM_UP);
      warmUp(alternating.getLast(), remote == null ? Duration.ZERO : CLUSTER_WARM_UP);
      ExpertTraffic before = remote == null ? null : remote.traffic();
      List<Speeds> speeds = alternating.stream().map(bench -> new Speeds()).toList();
      for (int seed = 1; seed <= repeat; seed++) {
        progress.update("measuring", seed - 1L, repeat);
        for (int i = 0; i < alternating.size(); i++) {
          speeds.get(i).add(alternating.get(i).run(seed));
        }
      }
      print(report(opened, speeds.getFirst(), remote == null || before == null
          ? null
          : new OnCluster(speeds.getFirst(), speeds.getLast(), before, remote.traffic())));
    }
    return 0;
  }

  private static void warmUp(BenchRun bench, Duration duration) throws InterruptedException {
    long start = System.nanoTime();
    for (int seed = -1; System.nanoTime() - start < duration.toNanos(); seed--) {
      bench.run(seed);
    }
  }

  private void log(String line) {
    if (line.contains(" WARN ") || line.contains(" ERROR ")) {
      result.log(line);
    }
  }

  private static void requireAtLeast(String option, int value, int least) {
    if (value < least) {
      throw FailureException.invalidParameter(option,
          "%s is %d; it must be at least %d".formatted(option, value, least));
    }
  }

  private Report report(EmbeddedModel opened, Speeds speeds, @Nullable OnCluster onClusterToo) {
    return new Report(median(speeds.prefill()), median(speeds.decode()), speeds.prefill(), speeds.decode(),
        lengths.promptTokens(), lengths.generatedTokens(), batch, repeat, opened.served().name(),
        opened.kernels().name(),
        opened.kernels().numerics().label(), opened.threads(), Machine.peakResidentBytes(), onClusterToo,
        Machine.current());
  }

  static double median(double[] samples) {
    double[] sorted = samples.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  private void print(Report report) {
    result.print(() -> JsonMapper.shared().writeValueAsString(report), out -> {
      out.println(String.format(Locale.ROOT, """
          %s, %s kernels, %s numerics, %d threads on %s (%d cores)
          prefill  %10.1f tokens/s   %s
          decode   %10.1f tokens/s   %s""",
          report.model, report.kernels, report.numerics, report.threads, report.machine.cpu(), report.machine.cores(),
          report.prefillTokensPerS, samples(report.prefillSamples),
          report.decodeTokensPerS, samples(report.decodeSamples)));
      if (report.cluster != null) {
        printCluster(out, report.cluster);
      }
    });
  }

  private void printCluster(PrintWriter out, OnCluster remote) {
    out.println(String.format(Locale.ROOT, """
        with the experts as processes (%s):
        prefill  %10.1f tokens/s   %s, %.2f of embedded
        decode   %10.1f tokens/s   %s, %.2f of embedded
        network  %10.2f messages and %.0f bytes per token and layer, both ways""",
        cluster, remote.prefillTokensPerS, samples(remote.prefillSamples), remote.prefillRatio,
        remote.decodeTokensPerS, samples(remote.decodeSamples), remote.decodeRatio,
        remote.messagesPerTokenAndLayer, remote.bytesPerTokenAndLayer));
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
      @Nullable OnCluster cluster,
      Machine machine) {}

  /** Of several runs. */
  private static final class Speeds {
    private final List<BenchRun.Speed> runs = new ArrayList<>();

    void add(BenchRun.Speed run) {
      runs.add(run);
    }

    double[] prefill() {
      return runs.stream().mapToDouble(BenchRun.Speed::prefillTokensPerSecond).toArray();
    }

    double[] decode() {
      return runs.stream().mapToDouble(BenchRun.Speed::decodeTokensPerSecond).toArray();
    }
  }

  /** What {@code --json} prints of the runs on the cluster; the ratios are to the embedded runs. */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  private record OnCluster(
      double prefillTokensPerS,
      double decodeTokensPerS,
      double prefillRatio,
      double decodeRatio,
      double[] prefillSamples,
      double[] decodeSamples,
      double messagesPerTokenAndLayer,
      double bytesPerTokenAndLayer,
      long retries,
      long hedges) {
    OnCluster(Speeds embedded, Speeds cluster, ExpertTraffic before, ExpertTraffic after) {
      double tokens = after.tokens() - before.tokens();
      this(median(cluster.prefill()), median(cluster.decode()), median(cluster.prefill()) / median(embedded.prefill()),
          median(cluster.decode()) / median(embedded.decode()), cluster.prefill(), cluster.decode(),
          (after.messagesOut() - before.messagesOut() + after.messagesIn() - before.messagesIn()) / tokens,
          (after.bytesOut() - before.bytesOut() + after.bytesIn() - before.bytesIn()) / tokens,
          after.retries() - before.retries(), after.hedges() - before.hedges());
    }
  }
}
