package io.expertmesh.simulator.routing;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.simulator.ModelShape;
import java.nio.file.Path;
import java.util.List;

/** Where routing comes from, as users write it. */
public final class RoutingSource {
  private static final String OPTION = "--routing";
  private static final double MOST = 10;

  private RoutingSource() {}

  /**
   * {@code uniform}, {@code zipf:S}, {@code zipf:S:layers}, {@code domains:SHARE,SHARE,...[:S]} or the path of a JSON
   * file.
   *
   * @throws FailureException INVALID_REQUEST or NOT_FOUND if it is none of them
   */
  public static Routing open(String text, ModelShape model, long seed) {
    DrawnRouting drawn = new DrawnRouting(model.moeLayers(), model.experts(), model.topK(), seed);
    String[] parts = text.split(":", -1);
    boolean layers = parts.length == 3 && parts[2].equals("layers");
    return switch (parts[0] + (layers ? "/layers" : "/" + (parts.length - 1))) {
      case "uniform/0" -> drawn.zipf(text, 0, true);
      case "zipf/1" -> drawn.zipf(text, exponent(parts[1]), true);
      case "zipf/layers" -> drawn.zipf(text, exponent(parts[1]), false);
      case "domains/1" -> drawn.domains(text, shares(parts[1]), 1);
      case "domains/2" -> drawn.domains(text, shares(parts[1]), exponent(parts[2]));
      default -> {
        if (!text.endsWith(".json") && !text.endsWith(".jsonl")) {
          throw FailureException.invalidParameter(OPTION, ("--routing is '%s'; it must be uniform, zipf:1.1, "
              + "zipf:1.1:layers, domains:0.7,0.2,0.1, domains:0.7,0.2,0.1:1.2, model, or a .json or .jsonl file")
              .formatted(text));
        }
        yield RecordedRouting.read(Path.of(text), model.moeLayers(), model.experts(), model.topK());
      }
    };
  }

  /**
   * What a model chose.
   *
   * @param answers as {@code /v1/completions} gives them, in JSON
   */
  public static Routing of(String name, List<String> answers, ModelShape model) {
    return RecordedRouting.of(name, String.join("\n", answers), model.moeLayers(), model.experts(), model.topK());
  }

  private static double exponent(String text) {
    double value = number(text);
    if (!(value >= 0 && value <= MOST)) {
      throw FailureException.invalidParameter(OPTION,
          "--routing: the exponent is '%s'; it must be a number from 0 to %.0f".formatted(text, MOST));
    }
    return value;
  }

  private static double[] shares(String text) {
    String[] parts = text.split(",", -1);
    double[] shares = new double[parts.length];
    double sum = 0;
    for (int i = 0; i < parts.length; i++) {
      shares[i] = number(parts[i]);
      if (!(shares[i] > 0 && shares[i] <= 1e9)) {
        throw FailureException.invalidParameter(OPTION,
            "--routing: a domain's share is '%s'; it must be a number above 0".formatted(parts[i]));
      }
      sum += shares[i];
    }
    for (int i = 0; i < shares.length; i++) {
      shares[i] /= sum;
    }
    return shares;
  }

  private static double number(String text) {
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException none) {
      return Double.NaN;
    }
  }
}
