package io.expertmesh.gateway.remote;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which replica each piece goes to: of those that hold the expert and were not tried yet, the one with the fewest
 * outstanding rows, and a suspect only if there is no other. Pieces with the same choice go to the same replica, so
 * that there is one message.
 */
final class ReplicaChoice {
  /** By stream: its pieces, in their order. */
  final Map<ReplicaStream, List<Piece>> chosen = new LinkedHashMap<>();
  /** Pieces that nobody is left for. */
  final List<Piece> unplaced = new ArrayList<>(0);

  private record Alternatives(int group, List<ReplicaStream> tried) {}

  private final Holders holders;
  private final int rotation;
  private final Map<Alternatives, ReplicaStream> decided = new HashMap<>();
  private final Map<ReplicaStream, Integer> plannedRows = new HashMap<>();

  /**
   * @param rotation which of several equals is taken; another number each time
   */
  ReplicaChoice(Holders holders, Collection<Piece> pieces, int rotation) {
    this.holders = holders;
    this.rotation = rotation;
    for (Piece piece : pieces) {
      ReplicaStream stream = streamFor(piece);
      if (stream == null) {
        unplaced.add(piece);
      } else {
        chosen.computeIfAbsent(stream, fresh -> new ArrayList<>()).add(piece);
        plannedRows.merge(stream, piece.rows(), Integer::sum);
      }
    }
  }

  private @Nullable ReplicaStream streamFor(Piece piece) {
    Alternatives alternatives = new Alternatives(holders.groupOf()[piece.expertId], piece.tried);
    ReplicaStream before = decided.get(alternatives);
    if (before != null && piece.rows() <= before.maxRows()) {
      return before;
    }
    ReplicaStream best = best(holders.holders(piece.expertId), piece);
    if (best != null) {
      decided.put(alternatives, best);
    }
    return best;
  }

  private @Nullable ReplicaStream best(List<ReplicaLink> candidates, Piece piece) {
    ReplicaStream best = null;
    boolean bestSuspect = false;
    int bestRows = 0;
    for (int i = 0; i < candidates.size(); i++) {
      ReplicaLink link = candidates.get(Math.floorMod(i + rotation, candidates.size()));
      ReplicaStream stream = link.live();
      if (stream == null || piece.tried.contains(stream) || piece.rows() > stream.maxRows()) {
        continue;
      }
      boolean suspect = link.suspect();
      int rows = link.outstandingRows() + plannedRows.getOrDefault(stream, 0);
      boolean better = best == null || (suspect == bestSuspect ? rows < bestRows : bestSuspect);
      if (better) {
        best = stream;
        bestSuspect = suspect;
        bestRows = rows;
      }
    }
    return best;
  }
}
