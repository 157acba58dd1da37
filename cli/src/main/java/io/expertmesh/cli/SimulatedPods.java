package io.expertmesh.cli;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.simulator.Hardware;
import io.expertmesh.simulator.Network;
import io.expertmesh.simulator.scaling.Prices;
import io.expertmesh.simulator.scaling.ScalingRule;
import java.time.Duration;
import picocli.CommandLine.Option;

/** The machines, the network between them, what they cost and how they scale. */
final class SimulatedPods {
  @Option(
      names = "--gateway-cores",
      paramLabel = "N",
      defaultValue = "4",
      description = "Cores of a gateway. Default: ${DEFAULT-VALUE}.")
  private double gatewayCores;

  @Option(
      names = "--expert-cores",
      paramLabel = "N",
      defaultValue = "1",
      description = "Cores of an expert pod. Default: ${DEFAULT-VALUE}.")
  private double expertCores;

  @Option(
      names = "--worker-cores",
      paramLabel = "N",
      defaultValue = "8",
      description = "Cores of a whole worker. Default: ${DEFAULT-VALUE}.")
  private double workerCores;

  @Option(
      names = "--gflops",
      paramLabel = "X",
      defaultValue = "100",
      description = "1e9 operations a second of a core. Default: ${DEFAULT-VALUE}, as measured with Q8_0 on an AMD EPYC (Zen 5).")
  private double gigaflops;

  @Option(
      names = "--gbytes",
      paramLabel = "X",
      defaultValue = "15",
      description = "1e9 bytes a second that a core reads. Default: ${DEFAULT-VALUE}, as measured there.")
  private double gigabytes;

  @Option(
      names = "--latency-us",
      paramLabel = "X",
      defaultValue = "100",
      description = "Microseconds that a message travels, one way. Default: ${DEFAULT-VALUE}.")
  private double latencyMicros;

  @Option(
      names = "--gbits",
      paramLabel = "X",
      defaultValue = "10",
      description = "1e9 bits a second of a connection. Default: ${DEFAULT-VALUE}.")
  private double gigabits;

  @Option(
      names = "--message-us",
      paramLabel = "X",
      defaultValue = "25",
      description = "Microseconds of a core for each end of a message: the gateway's for sending one and for taking its "
          + "answer in, the expert's for both together twice as much. Default: ${DEFAULT-VALUE}.")
  private double messageMicros;

  @Option(
      names = "--message-gbytes",
      paramLabel = "X",
      defaultValue = "1",
      description = "1e9 bytes a second that a core packs and sends, or takes in and unpacks: what a byte costs at each end "
          + "of a message. Default: ${DEFAULT-VALUE}.")
  private double messageGigabytes;

  @Option(
      names = "--price-core-hour",
      paramLabel = "X",
      defaultValue = "0.033",
      description = "What a core costs for an hour. Default: ${DEFAULT-VALUE}.")
  private double coreHour;

  @Option(
      names = "--price-gib-hour",
      paramLabel = "X",
      defaultValue = "0.0045",
      description = "What a GiB of memory costs for an hour. Default: ${DEFAULT-VALUE}.")
  private double gibHour;

  @Option(
      names = "--min-replicas",
      paramLabel = "N",
      defaultValue = "1",
      description = "Of each group, where replicas follow the load. Default: ${DEFAULT-VALUE}.")
  private int leastReplicas;

  @Option(
      names = "--max-replicas",
      paramLabel = "N",
      defaultValue = "1000",
      description = "Of each group, and gateways and workers. Default: ${DEFAULT-VALUE}.")
  private int mostReplicas;

  @Option(
      names = "--target-utilization",
      paramLabel = "PERCENT",
      defaultValue = "60",
      description = "Of its time that a replica of a group shall compute. Default: ${DEFAULT-VALUE}.")
  private double utilization;

  @Option(
      names = "--target-running",
      paramLabel = "PERCENT",
      defaultValue = "80",
      description = "Of --running requests that a gateway or a whole worker shall have. Default: ${DEFAULT-VALUE}.")
  private double fill;

  @Option(
      names = "--scale-down",
      paramLabel = "TIME",
      defaultValue = "120s",
      description = "How long the load must be lower before a pod goes, and until the next one does. Default: ${DEFAULT-VALUE}.")
  private Duration scaleDown = Duration.ZERO;

  @Option(
      names = "--start-time",
      paramLabel = "TIME",
      defaultValue = "10s",
      description = "From a pod's creation until it serves, without reading its weights. Default: ${DEFAULT-VALUE}.")
  private Duration start = Duration.ZERO;

  @Option(
      names = "--load-gbytes",
      paramLabel = "X",
      defaultValue = "1",
      description = "1e9 bytes a second of weights that a new pod reads. Default: ${DEFAULT-VALUE}.")
  private double loadGigabytes;

  /** @throws FailureException INVALID_REQUEST naming an option that is out of range */
  void check() {
    require("--gateway-cores", gatewayCores, 0.01, 1e4);
    require("--expert-cores", expertCores, 0.01, 1e4);
    require("--worker-cores", workerCores, 0.01, 1e4);
    require("--gflops", gigaflops, 1e-3, 1e7);
    require("--gbytes", gigabytes, 1e-3, 1e6);
    require("--latency-us", latencyMicros, 0, 1e7);
    require("--gbits", gigabits, 1e-3, 1e6);
    require("--message-us", messageMicros, 0, 1e7);
    require("--message-gbytes", messageGigabytes, 1e-3, 1e6);
    require("--price-core-hour", coreHour, 0, 1e6);
    require("--price-gib-hour", gibHour, 0, 1e6);
    require("--min-replicas", leastReplicas, 1, 1e5);
    require("--max-replicas", mostReplicas, leastReplicas, 1e5);
    require("--target-utilization", utilization, 1, 100);
    require("--target-running", fill, 1, 100);
    require("--scale-down", (double) scaleDown.toSeconds(), 0, 86_400);
    require("--start-time", (double) start.toSeconds(), 0, 86_400);
    require("--load-gbytes", loadGigabytes, 1e-6, 1e6);
  }

  static void require(String option, double value, double least, double most) {
    if (!(value >= least && value <= most)) {
      throw FailureException.invalidParameter(option, "%s is %s; it must be from %s to %s".formatted(option,
          number(value), number(least), number(most)));
    }
  }

  private static String number(double value) {
    return Math.rint(value) == value ? String.valueOf((long) value) : String.valueOf(value);
  }

  Hardware gateway() {
    return new Hardware(gatewayCores, gigaflops, gigabytes);
  }

  Hardware expert() {
    return new Hardware(expertCores, gigaflops, gigabytes);
  }

  Hardware worker() {
    return new Hardware(workerCores, gigaflops, gigabytes);
  }

  Network network() {
    double message = messageMicros * 1e-6;
    return new Network(latencyMicros * 1e-6, gigabits, message, message, 2 * message, messageGigabytes);
  }

  Prices prices() {
    return new Prices(coreHour, gibHour);
  }

  /**
   * Of a group of experts.
   *
   * @param weights bytes that a new pod reads before it serves
   */
  ScalingRule expertRule(double weights) {
    return rule(utilization, weights);
  }

  /** Of gateways or whole workers. */
  ScalingRule entranceRule(double weights) {
    return rule(fill, weights);
  }

  private ScalingRule rule(double percent, double weights) {
    return new ScalingRule(leastReplicas, mostReplicas, percent / 100, scaleDown.toSeconds(),
        start.toMillis() / 1e3 + weights / (loadGigabytes * 1e9));
  }
}
