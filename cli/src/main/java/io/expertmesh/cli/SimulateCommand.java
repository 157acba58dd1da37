package io.expertmesh.cli;

import io.expertmesh.cli.simulate.Shapes;
import io.expertmesh.cli.simulate.SimulationJson;
import io.expertmesh.cli.simulate.StudyPlots;
import io.expertmesh.cli.simulate.StudyReport;
import io.expertmesh.cli.simulate.StudyText;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.simulator.Batching;
import io.expertmesh.simulator.Costs;
import io.expertmesh.simulator.ModelShape;
import io.expertmesh.simulator.Workload;
import io.expertmesh.simulator.load.LoadCurve;
import io.expertmesh.simulator.placement.Groups;
import io.expertmesh.simulator.routing.Routing;
import io.expertmesh.simulator.routing.RoutingSource;
import io.expertmesh.simulator.scaling.Fleet;
import io.expertmesh.simulator.study.Scenario;
import io.expertmesh.simulator.study.Study;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Plans a cluster that is not there. */
@Command(
    name = "simulate",
    description = {
        "Simulates a cluster of any size: routing and a load curve against expert groups and their replicas, beside whole",
        "workers that each hold all of the model. Prints latency, cost, imbalance, and when scaling experts pays."},
    footer = {
        "",
        "Routing: uniform; zipf:S (the expert of rank r has the weight r^-S, the same order in all layers);",
        "zipf:S:layers (each layer has an order of its own); domains:SHARE,SHARE,...[:S] (each domain has favourites of",
        "its own); model (the model of --model runs some prompts); FILE.json or .jsonl (answers of /v1/completions with",
        "return_routing).",
        "Load, in requests a second: constant:20; ramp:from=1,to=50,minutes=10; day:peak=50,low=5.",
        "",
        "Examples:",
        "  expertmesh simulate",
        "  expertmesh simulate --like allenai/OLMoE-1B-7B-0924 --dtype q8_0 --groups 16 --load day:peak=40 --out plan",
        "  expertmesh simulate --routing domains:0.8,0.1,0.1 --groups \"0-7;8-11;12-15\" --replicas 4,1,1 --gateways 2",
        "  expertmesh simulate --routing model --record routing.jsonl",
        "  expertmesh simulate --like allenai/OLMoE-1B-7B-0924 --groups 64 --replicas 10000 --gateways 500 --load constant:200",
        "  expertmesh simulate --validate --out validation"})
final class SimulateCommand implements Callable<Integer> {
  @Mixin
  private ModelOptions model = new ModelOptions();

  @Mixin
  private SimulatedPods pods = new SimulatedPods();

  @Mixin
  private LikeOption like = new LikeOption();

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      defaultValue = "stored",
      description = "What weights are held in: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
  private ExpertType dtype = ExpertType.stored;

  @Option(
      names = "--costs",
      paramLabel = "FILE",
      description = "What a step is made of, as --validate --out measured it, instead of counting operations and bytes.")
  private @Nullable Path costsFile;

  @Option(
      names = "--routing",
      paramLabel = "ROUTING",
      defaultValue = "zipf:1.1",
      description = "Which experts tokens choose; see below. Default: ${DEFAULT-VALUE}.")
  private String routing = "";

  @Option(
      names = "--record",
      paramLabel = "FILE",
      description = "With --routing model: write the routing there, to be used again as --routing FILE.")
  private @Nullable Path record;

  @Option(
      names = "--load",
      paramLabel = "LOAD",
      defaultValue = "constant:20",
      description = "Requests a second over time; see below. Default: ${DEFAULT-VALUE}.")
  private String load = "";

  @Mixin
  private RequestLengths lengths = new RequestLengths(128, 128);

  @Option(
      names = "--groups",
      paramLabel = "GROUPS",
      defaultValue = "4",
      description = "Expert groups: how many of equal size, or their ids, such as \"0,5,9;1-4,6-8,10-15\". Default: ${DEFAULT-VALUE}.")
  private String groups = "";

  @Option(
      names = "--replicas",
      paramLabel = "N[,N...]",
      split = ",",
      description = "Of each group; one number is the sum, which the router's rule divides by load. Default: they follow the load.")
  private int @Nullable [] replicas;

  @Option(
      names = "--gateways",
      paramLabel = "N",
      defaultValue = "0",
      description = "How many. Default: they follow the load.")
  private int gateways;

  @Option(
      names = "--running",
      paramLabel = "N",
      defaultValue = "64",
      description = "Requests that a gateway or a whole worker shall have at the same time, at most, 1 to 64; fewer make "
          + "tokens quicker and dearer. Default: ${DEFAULT-VALUE}.")
  private int running;

  @Option(
      names = "--window",
      paramLabel = "TIME",
      description = "How long each simulation by events looks, after a warm-up of a quarter. Default: some millions of messages.")
  private @Nullable Duration window;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "The same seed gives the same numbers. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--validate",
      description = "Measure real clusters on this machine, fit the costs to some of the measurements, predict the others, "
          + "and print the errors. Takes some minutes and needs a quiet machine.")
  private boolean validate;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "DIR",
      description = "Write plots (SVG), a page with them (index.html) and all numbers (simulation.json) there.")
  private @Nullable Path out;

  @Mixin
  private ResultOptions result = new ResultOptions();

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (validate) {
      return new SimulatorValidation(model, result).run(out);
    }
    long begin = System.nanoTime();
    Scenario scenario = scenario();
    Study study;
    try (ProgressBars progress = ProgressBars.of("moments")) {
      study = Study.of(scenario, (task, done, total) -> {
        synchronized (progress) {
          progress.update(task, done, total);
        }
      });
    }
    StudyReport report = StudyReport.of(study);
    String text = StudyText.of(study);
    if (out != null) {
      StudyPlots.write(study, text, report, out);
    }
    result.print(() -> SimulationJson.LINE.writeValueAsString(report), printer -> printer.print(text));
    Machine machine = Machine.current();
    result.log(
        String.format(Locale.ROOT, "%d pods and %d events in %.1f s on %s (%d cores)", study.mostPods(), study.events(),
            (System.nanoTime() - begin) / 1e9, machine.cpu(), machine.cores()));
    if (out != null) {
      result.log("see " + out.resolve("index.html"));
    }
    return 0;
  }

  private Scenario scenario() throws IOException, InterruptedException {
    pods.check();
    SimulatedPods.require("--gateways", gateways, 0, 1e5);
    SimulatedPods.require("--running", running, 1, Batching.ENGINE.maxRunning());
    LoadCurve curve = LoadCurve.parse(load);
    Workload workload = new Workload(lengths.promptTokens(), lengths.generatedTokens());
    ModelShape shape = shape();
    Groups grouped = Groups.parse(groups, shape.experts());
    Routing chosen = routing(shape);
    Costs counted = Costs.of(shape, pods.gateway(), pods.expert(), pods.network(), workload.meanContext());
    Costs ofWorkers = Costs.of(shape, pods.worker(), pods.worker(), pods.network(), workload.meanContext());
    Costs measured = costsFile == null ? null : SimulatorValidation.readCosts(costsFile);
    Fleet fleet = Fleet.of(shape, grouped, workload, pods.gateway().cores(), pods.expert().cores(),
        pods.worker().cores());
    Scenario scenario = new Scenario(shape, measured == null ? counted : measured,
        measured == null ? ofWorkers : measured, chosen, grouped, curve, workload, fleet, pods.prices(), null, gateways,
        running,
        pods.expertRule((double) shape.groupBytes(1) * shape.experts() / grouped.count()),
        pods.entranceRule((double) shape.denseBytes()),
        pods.entranceRule((double) shape.bytes()), windowSeconds(), seed);
    return scenario.withReplicas(replicas(scenario, grouped));
  }

  private double windowSeconds() {
    if (window == null) {
      return 0;
    }
    double seconds = window.toMillis() / 1e3;
    SimulatedPods.require("--window", seconds, 0.001, 86_400);
    return seconds;
  }

  private ModelShape shape() {
    String name = like.like();
    return Shapes.of(like.inspect(model.source(), null, dtype.dtype()), name == null ? model.source().name() : name);
  }

  private Routing routing(ModelShape shape) throws IOException, InterruptedException {
    if (!routing.equals("model")) {
      if (record != null) {
        throw new ParameterException(spec.commandLine(), "--record is for --routing model");
      }
      return RoutingSource.open(routing, shape, seed);
    }
    if (like.like() != null) {
      throw new ParameterException(spec.commandLine(), "--routing model needs a model that runs: --model, not --like");
    }
    return RoutingSource.of("model", new RoutingRecorder(model).record(record), shape);
  }

  private int @Nullable [] replicas(Scenario scenario, Groups grouped) {
    int[] given = replicas;
    if (given == null) {
      return null;
    }
    for (int count : given) {
      SimulatedPods.require("--replicas", count, 1, 1e6);
    }
    if (given.length == 1) {
      if (given[0] < grouped.count()) {
        throw FailureException.invalidParameter("--replicas",
            "--replicas is %d; it must be at least one for each of the %d groups".formatted(given[0], grouped.count()));
      }
      return Study.greedy(scenario, given[0]);
    }
    if (given.length != grouped.count()) {
      throw FailureException.invalidParameter("--replicas", "--replicas has %d numbers for %d groups: %s".formatted(
          given.length, grouped.count(), Arrays.toString(given)));
    }
    return given;
  }
}
