package io.expertmesh.simulator.calibration;

import io.expertmesh.simulator.Costs;
import io.expertmesh.simulator.events.BatchOutcome;
import java.util.List;

/**
 * Finds the costs with which the simulator comes nearest to measurements: the sum of squared logarithms of predicted
 * over measured speeds, plus a little for being far from where it began, so that what the measurements do not tell
 * stays as it was. Each cost is tried larger and smaller by a factor that shrinks.
 */
public final class Calibration {
  private static final int PARAMETERS = 8;
  private static final double FIRST_STEP = Math.log(2);
  private static final double LAST_STEP = Math.log(1.005);
  private static final double TIE = 0.002;

  private final Costs prior;
  private final List<Measurement> measurements;

  private Calibration(Costs prior, List<Measurement> measurements) {
    this.prior = prior;
    this.measurements = measurements;
  }

  public static Costs fit(Costs prior, List<Measurement> measurements) {
    return new Calibration(prior, measurements).fit();
  }

  private Costs fit() {
    double[] logs = new double[PARAMETERS];
    double least = loss(logs);
    for (double step = FIRST_STEP; step > LAST_STEP;) {
      boolean better = false;
      for (int i = 0; i < PARAMETERS; i++) {
        for (int sign = -1; sign <= 1; sign += 2) {
          double before = logs[i];
          logs[i] = before + sign * step;
          double loss = loss(logs);
          if (loss < least) {
            least = loss;
            better = true;
          } else {
            logs[i] = before;
          }
        }
      }
      step = better ? step : step / 2;
    }
    return costs(logs);
  }

  private double loss(double[] logs) {
    Costs costs = costs(logs);
    double loss = 0;
    for (double log : logs) {
      loss += TIE * log * log;
    }
    for (Measurement measurement : measurements) {
      BatchOutcome predicted = measurement.predicted(costs);
      loss += square(Math.log(predicted.decodeTokensPerSecond() / measurement.decodeTokensPerSecond()))
          + square(Math.log(predicted.prefillTokensPerSecond() / measurement.prefillTokensPerSecond()));
    }
    return loss;
  }

  private static double square(double x) {
    return x * x;
  }

  private Costs costs(double[] logs) {
    return new Costs(prior.denseFixed() * Math.exp(logs[0]), prior.denseRow() * Math.exp(logs[1]),
        prior.gatewaySend() * Math.exp(logs[2]), prior.gatewayReceive() * Math.exp(logs[2]),
        prior.expertMessage() * Math.exp(logs[3]), prior.messageByte() * Math.exp(logs[4]),
        prior.expertRead() * Math.exp(logs[5]), prior.expertRow() * Math.exp(logs[6]),
        prior.latency() * Math.exp(logs[7]), prior.networkByte());
  }
}
