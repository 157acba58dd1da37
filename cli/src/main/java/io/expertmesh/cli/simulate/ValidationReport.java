package io.expertmesh.cli.simulate;

import io.expertmesh.simulator.Costs;
import io.expertmesh.simulator.Deployment;
import io.expertmesh.simulator.calibration.Measurement;
import io.expertmesh.simulator.events.BatchOutcome;
import java.util.Arrays;
import java.util.Formatter;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * What the simulator predicted and what was measured.
 *
 * @param cores that all processes shared
 * @param heldOutDecodePercent median and largest error of tokens/s (and so of time per token) where nothing was fitted
 * @param heldOutPrefillPercent the same of prompts (and so of time to the first token)
 */
public record ValidationReport(List<Case> cases, Costs costs, int cores, String cpu, double[] heldOutDecodePercent,
    double[] heldOutPrefillPercent) {

  /**
   * @param layout such as {@code 4 x 2}: shards and replicas; or one process
   * @param fitted whether the costs were fitted to it
   * @param tokenMillis between two tokens of a request, measured
   */
  public record Case(String layout, int batch, boolean fitted, double prefillMeasured, double prefillPredicted,
      double decodeMeasured, double decodePredicted, double tokenMillis, double tokenMillisPredicted) {
    public static Case of(Measurement measurement, boolean fitted, Costs costs) {
      BatchOutcome predicted = measurement.predicted(costs);
      Deployment deployment = measurement.deployment();
      return new Case(
          deployment.local() ? "one process" : deployment.groups().count() + " x " + deployment.replicas()[0],
          measurement.batch(), fitted, measurement.prefillTokensPerSecond(), predicted.prefillTokensPerSecond(),
          measurement.decodeTokensPerSecond(), predicted.decodeTokensPerSecond(),
          1e3 * measurement.batch() / measurement.decodeTokensPerSecond(),
          1e3 * measurement.batch() / predicted.decodeTokensPerSecond());
    }

    double decodeError() {
      return 100 * (decodePredicted / decodeMeasured - 1);
    }

    double prefillError() {
      return 100 * (prefillPredicted / prefillMeasured - 1);
    }
  }

  public static ValidationReport of(List<Case> cases, Costs costs, int cores, String cpu) {
    return new ValidationReport(cases, costs, cores, cpu, errors(cases, Case::decodeError),
        errors(cases, Case::prefillError));
  }

  private static double[] errors(List<Case> cases, ToDoubleFunction<Case> error) {
    double[] sizes = cases.stream().filter(one -> !one.fitted()).mapToDouble(one -> Math.abs(error.applyAsDouble(one)))
        .sorted().toArray();
    return new double[]{sizes[sizes.length / 2], sizes[sizes.length - 1]};
  }

  /** As people read it. */
  public String text() {
    Formatter out = new Formatter(new StringBuilder(), Locale.ROOT);
    out.format("%s, %d cores shared by all processes, one thread each%n%n", cpu, cores);
    out.format("%-12s %6s %-9s %30s %20s %30s%n", "shards x", "", "", "decode tokens/s", "ms per token",
        "prefill tokens/s");
    out.format("%-12s %6s %-9s %10s %10s %8s %10s %9s %10s %10s %8s%n", "replicas", "batch", "", "measured",
        "predicted", "error", "measured", "predicted", "measured", "predicted", "error");
    for (Case one : cases) {
      out.format("%-12s %6d %-9s %10.0f %10.0f %7.0f%% %10.2f %9.2f %10.0f %10.0f %7.0f%%%n", one.layout(), one.batch(),
          one.fitted() ? "fitted" : "held out", one.decodeMeasured(), one.decodePredicted(), one.decodeError(),
          one.tokenMillis(), one.tokenMillisPredicted(), one.prefillMeasured(), one.prefillPredicted(),
          one.prefillError());
    }
    out.format("%nheld out: decode %.0f%% (median error), %.0f%% (worst); prefill %.0f%%, %.0f%%%n",
        heldOutDecodePercent[0], heldOutDecodePercent[1], heldOutPrefillPercent[0], heldOutPrefillPercent[1]);
    out.format("costs in us: %s%n", Arrays.toString(micros()));
    out.format("(a layer, a row, a message out, an answer in, a message at the expert, a KiB of a message at an end, "
        + "an expert read, a row of it, a message's way)%n");
    return out.toString();
  }

  private String[] micros() {
    return Arrays.stream(new double[]{costs.denseFixed(), costs.denseRow(), costs.gatewaySend(), costs.gatewayReceive(),
        costs.expertMessage(), 1024 * costs.messageByte(), costs.expertRead(), costs.expertRow(), costs.latency()})
        .mapToObj(seconds -> String.format(Locale.ROOT, "%.2f", 1e6 * seconds)).toArray(String[]::new);
  }
}
