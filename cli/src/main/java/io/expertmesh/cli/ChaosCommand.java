package io.expertmesh.cli;

import io.expertmesh.cli.chaos.ChaosReport;
import io.expertmesh.cli.chaos.ChaosReport.Stall;
import io.expertmesh.cli.chaos.ChaosRun;
import io.expertmesh.cli.chaos.Question;
import io.expertmesh.cli.cluster.Cluster;
import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.GatewayServer;
import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

/** Proves that a cluster survives: load, faults, and a comparison of every token with the embedded model's. */
@Command(
    name = "chaos",
    description = {
        "Starts a cluster, drives load while it kills, stops, slows and restarts random processes, and compares every",
        "token and log-probability with the embedded model's."},
    footer = {
        "",
        "Faults: kill (SIGKILL to a replica), stop (SIGSTOP for 3 s), slow (stopped four fifths of the time for 3 s),",
        "router (SIGKILL to the router). The last healthy replica of a group is left alone.",
        "Exit code: 0 no request failed and no token was wrong, 1 otherwise.",
        "",
        "Examples:",
        "  expertmesh chaos --duration 60s --kill-every 5s",
        "  expertmesh chaos --faults kill --duration 5m --shards 2 --replicas 2 --json",
        "  expertmesh chaos --faults none --backend tornado --duration 30m --calm 10s"})
final class ChaosCommand implements Callable<Integer> {
  private static final double INEXACT = 0.02;

  @Mixin
  private ClusterOptions cluster = new ClusterOptions(2);

  @Option(
      names = "--duration",
      paramLabel = "TIME",
      defaultValue = "60s",
      description = "How long faults happen, such as 60s or 5m. Default: ${DEFAULT-VALUE}.")
  private Duration duration = Duration.ZERO;

  @Option(
      names = "--kill-every",
      paramLabel = "TIME",
      defaultValue = "5s",
      description = "Time between two faults. Default: ${DEFAULT-VALUE}.")
  private Duration every = Duration.ZERO;

  @Option(
      names = "--calm",
      paramLabel = "TIME",
      defaultValue = "15s",
      description = "How long the load runs before the first fault, to compare with. Default: ${DEFAULT-VALUE}.")
  private Duration calm = Duration.ZERO;

  @Option(
      names = "--faults",
      paramLabel = "FAULT",
      split = ",",
      defaultValue = "kill,stop,slow,router",
      description = "Which faults: ${DEFAULT-VALUE}; none for a soak under load alone.")
  private List<String> faults = List.of();

  @Option(
      names = "--tolerance",
      paramLabel = "X",
      description = "How far a log-probability may be from the embedded model's; between two tokens that are closer "
          + "than this either may come. Default: 0, the same bits; 0.02 if not all experts are on the CPU.")
  private @Nullable Double tolerance;

  @Option(
      names = "--gateways",
      paramLabel = "G",
      defaultValue = "1",
      description = "Gateways, which share the experts. Default: ${DEFAULT-VALUE}.")
  private int gateways;

  @Option(
      names = "--clients",
      paramLabel = "N",
      defaultValue = "4",
      description = "Requests at the same time. Default: ${DEFAULT-VALUE}.")
  private int clients;

  @Option(
      names = "--prompt",
      paramLabel = "N",
      defaultValue = "48",
      description = "Tokens of the longest prompt. Default: ${DEFAULT-VALUE}.")
  private int promptTokens;

  @Option(
      names = "--generate",
      paramLabel = "N",
      defaultValue = "32",
      description = "Tokens of an answer. Default: ${DEFAULT-VALUE}.")
  private int tokens;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "Of prompts and faults. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Mixin
  private ResultOptions result = new ResultOptions();

  @Override
  public Integer call() throws IOException, InterruptedException {
    requirePositive("--duration", duration);
    requirePositive("--kill-every", every);
    requirePositive("--calm", calm);
    ChaosRun run = chaos();
    List<String> gatewayOptions = List.of("--threads", String.valueOf(cluster.model().threads()));
    List<Question> expected;
    result.log("asking the embedded model");
    var configuration = GatewayConfiguration.read(Map.of("expertmesh.port", 0), null);
    try (EmbeddedModel embedded = cluster.model().open();
        GatewayServer server = GatewayServer.start(configuration, embedded.served())) {
      expected = run.expectedAnswers(server.url(), embedded.served().tokenizer().size());
    }
    result.log("starting the cluster");
    ChaosReport report;
    try (ShortLivedCertificates certificates = cluster.certificates();
        Cluster running = Cluster.start(
            cluster.layout(gateways, "127.0.0.1", 0, 0, gatewayOptions, true, certificates), Main.class.getName(),
            result::log)) {
      report = run.run(running, expected, result::log);
    }
    print(report);
    return report.failed() == 0 && report.wrong() == 0 ? 0 : 1;
  }

  private ChaosRun chaos() {
    try {
      return new ChaosRun(clients, 4 * clients, promptTokens, tokens, tolerance(), calm, duration, every,
          ChaosRun.faults(faults),
          seed);
    } catch (IllegalArgumentException unknown) {
      throw FailureException.invalidParameter("--faults",
          "--faults has %s; known are kill, stop, slow and router, or none alone".formatted(faults));
    }
  }

  private double tolerance() {
    double chosen = tolerance == null ? (cluster.onlyOnCpu() ? 0 : INEXACT) : tolerance;
    if (!(chosen >= 0 && chosen < 1)) {
      throw FailureException.invalidParameter("--tolerance",
          "--tolerance is %s; it must be from 0 to 1".formatted(chosen));
    }
    return chosen;
  }

  private static void requirePositive(String option, Duration value) {
    if (!value.isPositive()) {
      throw FailureException.invalidParameter(option, option + " must be longer than 0, such as 5s");
    }
  }

  private void print(ChaosReport report) {
    result.print(() -> JsonMapper.shared().writeValueAsString(new Output(report, Machine.current())), out -> {
      out.printf(Locale.ROOT, "requests   %d, of which %d failed and %d had a wrong token%n", report.requests(),
          report.failed(), report.wrong());
      report.failures().forEach((message, count) -> out.printf("           %d x %s%n", count, message));
      out.printf(Locale.ROOT, "tokens/s   calm %.1f, with faults %.1f, with faults but outside restarts %.1f%n",
          report.calmTokensPerS(), report.chaosTokensPerS(), report.outsideRestartsTokensPerS());
      out.printf(Locale.ROOT, "token      every %.1f ms in calm (median)%n", report.medianTokenMillis());
      report.stalls().forEach((fault, stall) -> out.printf(Locale.ROOT, "%-10s %s%n", fault.toLowerCase(Locale.ROOT),
          describe(stall)));
      out.printf(Locale.ROOT, "memory     of the experts %.0f MiB, half-way %.0f, at the end %.0f, at most %.0f%n",
          report.expertMemory().startMib(), report.expertMemory().middleMib(), report.expertMemory().endMib(),
          report.expertMemory().mostMib());
      out.printf(Locale.ROOT, "restart    ready %.1f s after a death (median), %.1f s at the longest%n",
          report.restartMillis()[0] / 1000, report.restartMillis()[1] / 1000);
    });
  }

  private static String describe(Stall stall) {
    return String.format(Locale.ROOT,
        "%d times; longest wait for a token: at once %.0f ms (median) %.0f ms (worst), within a second %.0f and %.0f ms",
        stall.faults(), stall.atOnceMedianMillis(), stall.atOnceWorstMillis(), stall.medianMillis(),
        stall.worstMillis());
  }

  /** What {@code --json} prints. */
  private record Output(ChaosReport report, Machine machine) {}
}
