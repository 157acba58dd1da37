package io.expertmesh.cli;

import io.expertmesh.cli.inspect.Inspection;
import io.expertmesh.cli.simulate.Shapes;
import io.expertmesh.cli.simulate.SimulationJson;
import io.expertmesh.cli.simulate.ValidationReport;
import io.expertmesh.cli.simulate.ValidationReport.Case;
import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.failure.IoReason;
import io.expertmesh.simulator.Costs;
import io.expertmesh.simulator.Deployment;
import io.expertmesh.simulator.Hardware;
import io.expertmesh.simulator.ModelShape;
import io.expertmesh.simulator.Network;
import io.expertmesh.simulator.Workload;
import io.expertmesh.simulator.calibration.Calibration;
import io.expertmesh.simulator.calibration.Measurement;
import io.expertmesh.simulator.placement.Groups;
import io.expertmesh.simulator.routing.Routing;
import io.expertmesh.simulator.routing.RoutingSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/**
 * Measures the model in one process and on clusters of this machine, fits the simulator's costs to some of it and
 * predicts the rest. Every process has one thread, as every process of the simulator has, and all share the machine's
 * cores.
 */
final class SimulatorValidation {
  private static final Workload WORKLOAD = new Workload(64, 64);
  private static final int[] BATCHES = {1, 4, 16};
  private static final int[] SHARDS = {1, 2, 4};
  private static final int[] REPLICAS = {1, 2};
  private static final int RECORDED_PROMPTS = 8;
  /** Where the search begins: as usual on a machine of today. */
  private static final Network LOOPBACK = new Network(50e-6, 100, 20e-6, 20e-6, 50e-6, 1);
  private static final Hardware CORE = new Hardware(1, 50, 10);

  private final ModelOptions model;
  private final ResultOptions result;
  private final int cores = Runtime.getRuntime().availableProcessors();

  /** @param result how it is told */
  SimulatorValidation(ModelOptions model, ResultOptions result) {
    this.model = model.onThreads(1);
    this.result = result;
  }

  /** @param folder for {@code costs.json} and {@code validation.json}; null for nowhere */
  int run(@Nullable Path folder) throws IOException, InterruptedException {
    ModelShape shape = Shapes.of(Inspection.of(model.source().checkpoint(), null, null), model.source().name());
    List<Measurement> all = new ArrayList<>();
    List<Measurement> fitted = new ArrayList<>();
    Routing routing;
    Costs prior = Costs.of(shape, CORE, CORE, LOOPBACK, WORKLOAD.meanContext());
    result.log("measuring one process");
    try (EmbeddedModel embedded = model.open()) {
      routing = routing(embedded.served(), shape);
      Deployment deployment = Deployment.workers(prior, routing, 1).onCores(cores);
      measure(embedded.served(), deployment, all, fitted);
    }
    for (int replicas : REPLICAS) {
      for (int shards : SHARDS) {
        result.log("measuring %d shards, %d replicas".formatted(shards, replicas));
        int[] pods = new int[shards];
        Arrays.fill(pods, replicas);
        Deployment deployment = Deployment
            .mesh(prior, shape.stateBytes(), routing, Groups.equal(shape.experts(), shards),
                pods, 1)
            .onCores(cores);
        try (BenchCluster cluster = BenchCluster.start(ClusterOptions.of(model, shards, replicas, 1),
            new ExpertTypeOptions(), 1, line -> {})) {
          measure(cluster.model().served(), deployment, all, fitted);
        }
      }
    }
    Costs costs = Calibration.fit(prior, fitted);
    ValidationReport report = ValidationReport.of(all.stream()
        .map(measurement -> Case.of(measurement, fitted.contains(measurement), costs)).toList(), costs, cores,
        Machine.current().cpu());
    if (folder != null) {
      Files.createDirectories(folder);
      Files.writeString(folder.resolve("costs.json"), SimulationJson.FILE.writeValueAsString(costs) + "\n");
      Files.writeString(folder.resolve("validation.json"), SimulationJson.FILE.writeValueAsString(report) + "\n");
    }
    result.print(() -> SimulationJson.LINE.writeValueAsString(report), out -> out.print(report.text()));
    return 0;
  }

  /** Of one process and the clusters of one and four shards, one and sixteen requests; all else is left to predict. */
  private static boolean isFitted(Deployment deployment, int batch) {
    boolean unusual = deployment.groups().count() == 2
        || Arrays.stream(deployment.replicas()).anyMatch(count -> count > 1);
    return batch != 4 && !unusual;
  }

  private void measure(ServedModel served, Deployment deployment, List<Measurement> all, List<Measurement> fitted)
      throws InterruptedException {
    SteadySpeed speed = new SteadySpeed(served, WORKLOAD, BATCHES);
    result.log("no quicker after %d s".formatted(speed.warmUp().toSeconds()));
    for (int batch : BATCHES) {
      BenchRun.Speed median = speed.measure(batch);
      Measurement measurement = new Measurement(deployment, WORKLOAD, batch, median.prefillTokensPerSecond(),
          median.decodeTokensPerSecond());
      all.add(measurement);
      if (isFitted(deployment, batch)) {
        fitted.add(measurement);
      }
    }
  }

  /** What the model chooses for prompts such as those that are measured. */
  private static Routing routing(ServedModel served, ModelShape shape) throws InterruptedException {
    Random random = new Random(1);
    List<String> answers = new ArrayList<>();
    for (int i = 0; i < RECORDED_PROMPTS; i++) {
      int[] prompt = random.ints(WORKLOAD.promptTokens(), 0, Math.min(served.vocabularySize(),
          served.tokenizer().size())).toArray();
      answers.add(RoutingRecorder.answer(served, prompt, WORKLOAD.generatedTokens()));
    }
    return RoutingSource.of("the measured prompts", answers, shape);
  }

  /**
   * What {@link #run} wrote.
   *
   * @throws FailureException NOT_FOUND or INVALID_REQUEST if it did not
   */
  static Costs readCosts(Path file) {
    try {
      return SimulationJson.LINE.readValue(Files.readString(file), Costs.class);
    } catch (IOException unreadable) {
      throw new FailureException(FailureCategory.NOT_FOUND,
          "--costs: %s cannot be read: %s".formatted(file, IoReason.of(unreadable)), unreadable);
    } catch (JacksonException wrong) {
      throw FailureException.invalidParameter("--costs",
          "--costs: %s is no costs.json of simulate --validate: %s".formatted(file, wrong.getOriginalMessage()));
    }
  }
}
