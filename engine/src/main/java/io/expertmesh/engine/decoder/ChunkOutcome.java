package io.expertmesh.engine.decoder;

import io.expertmesh.engine.api.Degradation;
import io.expertmesh.model.failure.FailureException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What became of a chunk in a step. */
public sealed interface ChunkOutcome {
  /**
   * Its positions are computed and its logits were given.
   *
   * @param degraded the experts that were replaced or left out, by ascending layer; mostly empty
   */
  record Computed(List<Degradation> degraded) implements ChunkOutcome {}

  /**
   * It must be computed again when the experts are back; its positions are not complete.
   *
   * @param experts some of the missing ones, at least one
   * @param failure what to say if they do not come back
   * @param patience how long to wait for those that are being started; null if they are just missing
   */
  record Blocked(Set<Integer> experts, FailureException failure, @Nullable Duration patience)
      implements
        ChunkOutcome {
    /** Waits for more of the missing ones, so that all are started at the same time. */
    Blocked with(Set<Integer> more) {
      Set<Integer> all = new HashSet<>(experts);
      all.addAll(more);
      return new Blocked(Set.copyOf(all), failure, patience);
    }
  }

  /** It cannot be computed. */
  record Failed(FailureException failure) implements ChunkOutcome {}
}
