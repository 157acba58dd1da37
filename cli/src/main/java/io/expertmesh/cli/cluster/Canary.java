package io.expertmesh.cli.cluster;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.ModelFingerprint;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A second version of a cluster's model.
 *
 * @param model as {@code --model} names it
 * @param modelOptions that name it and how it is loaded
 * @param versions the labels of the main version and of this one
 * @param experts whose weights are not the main version's; the others are shared
 * @param percent of the requests that it gets at the start; null if nothing is set
 */
public record Canary(String model, List<String> modelOptions, List<String> versions, Set<Integer> experts,
    @Nullable Double percent) {
  public Canary {
    modelOptions = List.copyOf(modelOptions);
    versions = List.copyOf(versions);
    experts = Set.copyOf(experts);
    if (percent != null && !(percent >= 0 && percent <= 100)) {
      throw FailureException.invalidParameter("--canary-percent",
          "--canary-percent is %s; it must be 0 to 100".formatted(percent));
    }
  }

  /**
   * Compares two versions.
   *
   * @throws FailureException INVALID_REQUEST if they are the same, or their experts have other shapes
   */
  public static Canary of(String model, List<String> modelOptions, ModelFingerprint main, ModelFingerprint canary,
      @Nullable Double percent) {
    if (canary.version().equals(main.version())) {
      throw FailureException.invalidParameter("--canary",
          "--canary %s is the same checkpoint as the model, version %s".formatted(model, main.version()));
    }
    if (!canary.shape().equals(main.shape())) {
      throw FailureException.invalidParameter("--canary",
          "--canary %s cannot stand for the model: its shape is '%s', the model's is '%s'".formatted(model,
              canary.shape(), main.shape()));
    }
    Set<Integer> different = IntStream.range(0, main.expertDigests().size())
        .filter(id -> !canary.expertDigests().get(id).equals(main.expertDigests().get(id)))
        .boxed().collect(Collectors.toSet());
    return new Canary(model, modelOptions, List.of(main.version(), canary.version()), different, percent);
  }

  /** What traffic shares, requests and {@code system_fingerprint} call it. */
  String version() {
    return versions.getLast();
  }
}
