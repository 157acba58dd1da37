package io.expertmesh.engine.decoder;

import io.expertmesh.engine.api.Degradation;
import io.expertmesh.engine.api.UnavailablePolicy;
import io.expertmesh.engine.experts.SleepingExperts;
import io.expertmesh.model.decoder.Gate;
import io.expertmesh.model.decoder.Routing;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What missing experts mean for each chunk of a step, by its request's policy. Rows of a chunk that cannot go on get
 * weights of 0, so that no expert computes them; they pass through the rest of the step without any effect on others.
 */
final class MissingExperts {
  private final Step step;
  private final Supplier<SleepingExperts> asleep;
  /** By chunk: why it cannot go on. */
  private final @Nullable ChunkOutcome[] stops;
  /** By chunk: experts that were replaced or left out, by layer. */
  private final List<SortedMap<Integer, SortedSet<Integer>>> degraded = new ArrayList<>();
  private int stopped;

  /** @param asleep experts that are started when they are wanted, as they are now */
  MissingExperts(Step step, Supplier<SleepingExperts> asleep) {
    this.step = step;
    this.asleep = asleep;
    this.stops = new ChunkOutcome[step.chunks().size()];
    for (int chunk = 0; chunk < stops.length; chunk++) {
      degraded.add(new TreeMap<>());
    }
  }

  boolean stopped(int chunk) {
    return stops[chunk] != null;
  }

  /** Whether there is nothing left to compute. */
  boolean allStopped() {
    return stopped == stops.length;
  }

  /**
   * The routing {@code wanted} without the missing experts. What the model's capacity dropped stays dropped: it was
   * decided with all experts there, and substitutes take nobody's place.
   *
   * @param normed (rows, hidden), what the gate saw
   * @param missing by expert id, the reason
   * @param wanted what the model wants, not changed
   */
  Routing resolve(int layer, Rows rows, Gate gate, float[] normed, Map<Integer, String> missing, Routing wanted) {
    if (missing.isEmpty() && stopped == 0) {
      return wanted;
    }
    Routing routing = wanted.copy();
    Set<Integer> waiting = new HashSet<>(); // chunks that wait from this layer on
    for (int row = 0; row < rows.count(); row++) {
      int chunk = rows.chunk(row);
      if (waiting.contains(chunk) && stops[chunk] instanceof ChunkOutcome.Blocked blocked) {
        stops[chunk] = blocked.with(lost(missing, wanted, row));
      } else if (!stopped(chunk) && usesAny(missing, wanted, row)) {
        SortedSet<Integer> lost = lost(missing, wanted, row);
        SleepingExperts sleeping = asleep.get();
        if (!Collections.disjoint(lost, sleeping.ids())) {
          stop(chunk, new ChunkOutcome.Blocked(lost, failure(layer, lost, missing), sleeping.patience()));
          waiting.add(chunk);
        } else if (!resolveRow(step.chunks().get(chunk).policy(), gate, normed, row, missing, wanted, routing)) {
          FailureException failure = failure(layer, lost, missing);
          stop(chunk, step.chunks().get(chunk).policy() == UnavailablePolicy.WAIT
              ? new ChunkOutcome.Blocked(lost, failure, null)
              : new ChunkOutcome.Failed(failure));
        } else {
          degraded.get(chunk).computeIfAbsent(layer, l -> new TreeSet<>()).addAll(lost);
        }
      }
      if (stopped(chunk)) {
        Arrays.fill(routing.weights(), row * routing.topK(), (row + 1) * routing.topK(), 0f);
      }
    }
    return routing;
  }

  /** Whether the row can go on. */
  private static boolean resolveRow(UnavailablePolicy policy, Gate gate, float[] normed, int row,
      Map<Integer, String> missing, Routing wanted, Routing routing) {
    return switch (policy) {
      case STRICT, WAIT -> false;
      case SUBSTITUTE -> {
        gate.route(normed, row, missing.keySet(), routing);
        keepDropped(missing, wanted, routing, row);
        yield weightOf(routing, row) > 0;
      }
      case DROP -> drop(missing, routing, row);
    };
  }

  /** Leaves out what {@code wanted} has dropped, and what is more than one substitute for each missing expert. */
  private static void keepDropped(Map<Integer, String> missing, Routing wanted, Routing routing, int row) {
    int from = row * wanted.topK();
    int to = from + wanted.topK();
    int substitutes = 0;
    for (int i = from; i < to; i++) {
      substitutes += wanted.weights()[i] != 0 && missing.containsKey(wanted.expertIds()[i]) ? 1 : 0;
    }
    for (int i = from; i < to; i++) {
      int at = from;
      while (at < to && wanted.expertIds()[at] != routing.expertIds()[i]) {
        at++;
      }
      if (at == to ? substitutes-- <= 0 : wanted.weights()[at] == 0) {
        routing.weights()[i] = 0f;
      }
    }
  }

  /** Leaves out the missing experts; the others of the row share their weight in proportion. */
  private static boolean drop(Map<Integer, String> missing, Routing routing, int row) {
    float before = weightOf(routing, row);
    int from = row * routing.topK();
    for (int i = from; i < from + routing.topK(); i++) {
      if (missing.containsKey(routing.expertIds()[i])) {
        routing.weights()[i] = 0f;
      }
    }
    float after = weightOf(routing, row);
    for (int i = from; i < from + routing.topK(); i++) {
      if (routing.weights()[i] != 0) {
        routing.weights()[i] = routing.weights()[i] * before / after;
      }
    }
    return after > 0;
  }

  /** In order of rank. */
  private static float weightOf(Routing routing, int row) {
    float sum = 0f;
    for (int i = row * routing.topK(); i < (row + 1) * routing.topK(); i++) {
      sum += routing.weights()[i];
    }
    return sum;
  }

  private static boolean usesAny(Map<Integer, String> missing, Routing routing, int row) {
    for (int i = row * routing.topK(); i < (row + 1) * routing.topK(); i++) {
      if (routing.weights()[i] != 0 && missing.containsKey(routing.expertIds()[i])) {
        return true;
      }
    }
    return false;
  }

  private static SortedSet<Integer> lost(Map<Integer, String> missing, Routing routing, int row) {
    TreeSet<Integer> lost = new TreeSet<>();
    for (int i = row * routing.topK(); i < (row + 1) * routing.topK(); i++) {
      if (routing.weights()[i] != 0 && missing.containsKey(routing.expertIds()[i])) {
        lost.add(routing.expertIds()[i]);
      }
    }
    return lost;
  }

  private void stop(int chunk, ChunkOutcome outcome) {
    stops[chunk] = outcome;
    stopped++;
  }

  private static FailureException failure(int layer, SortedSet<Integer> lost, Map<Integer, String> missing) {
    return new FailureException(FailureCategory.UNAVAILABLE,
        "expert %d of layer %d is not available: %s".formatted(lost.getFirst(), layer, missing.get(lost.getFirst())));
  }

  List<ChunkOutcome> outcomes() {
    List<ChunkOutcome> outcomes = new ArrayList<>(stops.length);
    for (int chunk = 0; chunk < stops.length; chunk++) {
      ChunkOutcome stop = stops[chunk];
      outcomes.add(stop == null ? new ChunkOutcome.Computed(degradations(degraded.get(chunk))) : stop);
    }
    return outcomes;
  }

  private static List<Degradation> degradations(SortedMap<Integer, SortedSet<Integer>> byLayer) {
    List<Degradation> list = new ArrayList<>(byLayer.size());
    byLayer.forEach((layer, experts) -> list.add(new Degradation(layer, List.copyOf(experts))));
    return list;
  }
}
