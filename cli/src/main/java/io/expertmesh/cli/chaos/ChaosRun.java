package io.expertmesh.cli.chaos;

import io.expertmesh.cli.chaos.ChaosReport.Span;
import io.expertmesh.cli.chaos.Load.Observation;
import io.expertmesh.cli.chaos.Monkey.Act;
import io.expertmesh.cli.cluster.Cluster;
import io.expertmesh.cli.cluster.Cluster.Expert;
import io.expertmesh.cli.cluster.ServiceProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A time of calm, then a time of faults, under the same load.
 *
 * @param questions different prompts
 * @param promptTokens of the longest prompt
 * @param tokens of each answer
 * @param tolerance of log-probabilities; 0 for the same bits
 * @param faults none for a soak
 */
public record ChaosRun(int clients, int questions, int promptTokens, int tokens, double tolerance, Duration calm,
    Duration duration,
    Duration every, List<Fault> faults, long seed) {
  private static final String NONE = "none";
  private static final Duration WARM_UP = Duration.ofSeconds(20);
  private static final Duration RECOVERY = Duration.ofSeconds(60);

  public ChaosRun {
    faults = List.copyOf(faults);
  }

  /**
   * Names of the faults, as users write them, or {@value #NONE}.
   *
   * @throws IllegalArgumentException if there is no such fault
   */
  public static List<Fault> faults(List<String> names) {
    return names.equals(List.of(NONE))
        ? List.of()
        : names.stream().map(name -> Fault.valueOf(name.toUpperCase(Locale.ROOT))).toList();
  }

  /**
   * The answers that a server of known good gives.
   *
   * @param gateway URL
   * @param vocabulary prompts have ids below it
   */
  public List<Question> expectedAnswers(String gateway, int vocabulary) throws IOException, InterruptedException {
    Random random = new Random(seed);
    List<Question> expected = new ArrayList<>();
    try (CompletionClient client = new CompletionClient()) {
      for (int i = 0; i < questions; i++) {
        int[] prompt = random.ints(1 + random.nextInt(promptTokens), 0, vocabulary).toArray();
        expected.add(new Question(prompt, client.complete(gateway, prompt, tokens).tokens()));
      }
    }
    return expected;
  }

  /** Runs it against {@code cluster}; {@code progress} hears what happens. */
  public ChaosReport run(Cluster cluster, List<Question> expected, Consumer<String> progress)
      throws InterruptedException {
    List<String> gateways = cluster.gateways().stream().map(gateway -> gateway.firstReady().join().http()).toList();
    List<ServiceProcess> processes = new ArrayList<>(cluster.experts().stream().map(Expert::process).toList());
    processes.add(cluster.router());
    List<ServiceProcess> experts = cluster.experts().stream().map(Expert::process).toList();
    try (Load load = new Load(gateways, expected, tokens, clients, tolerance);
        ConnectedReplicas connected = new ConnectedReplicas(gateways)) {
      progress.accept("warming up");
      TimeUnit.NANOSECONDS.sleep(WARM_UP.toNanos());
      progress.accept("calm for " + calm.toSeconds() + " s");
      long calmFrom = System.nanoTime();
      TimeUnit.NANOSECONDS.sleep(calm.toNanos());
      long chaosFrom = System.nanoTime();
      progress.accept("faults for " + duration.toSeconds() + " s: " + faults);
      try (ResidentMemory memory = new ResidentMemory(experts)) {
        List<Act> acts = new Monkey(cluster, connected, faults, seed).run(duration, every);
        long chaosTo = System.nanoTime();
        awaitRecovery(processes);
        progress.accept("all processes are ready again");
        List<Observation> observations = load.finish();
        return ChaosReport.of(observations, acts, processes, new Span(calmFrom, chaosFrom),
            new Span(chaosFrom, chaosTo), memory.course());
      }
    }
  }

  private static void awaitRecovery(List<ServiceProcess> processes) throws InterruptedException {
    for (ServiceProcess process : processes) {
      try {
        process.ready().orTimeout(RECOVERY.toSeconds(), TimeUnit.SECONDS).join();
      } catch (CompletionException late) {
        throw new IllegalStateException(process.name() + " did not come back", late);
      }
    }
  }
}
