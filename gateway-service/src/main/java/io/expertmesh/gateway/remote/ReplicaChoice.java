package io.expertmesh.gateway.remote;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which replica each piece goes to: of those that hold the expert and were not tried yet, the ones with the fewest
 * outstanding rows, and one that is suspect, or that the table lacks, only if there is no other. Pieces with the same
 * choice go to the same replica, so that there is one message, or are divided among several if there is enough to
 * compute.
 */
final class ReplicaChoice {
  /** By stream: its pieces, in the plan's order. */
  final Map<ReplicaStream, List<Piece>> chosen = new LinkedHashMap<>();
  /** Pieces that nobody is left for. */
  final List<Piece> unplaced = new ArrayList<>(0);

  private record Alternatives(int group, List<ReplicaStream> tried) {}

  private static final class Candidate {
    final ReplicaStream stream;
    final boolean secondChoice;
    int rows;

    Candidate(ReplicaStream stream, int rows) {
      this.stream = stream;
      this.secondChoice = stream.link.isSecondChoice();
      this.rows = rows;
    }
  }

  private final Holders holders;
  private final ComputeTime computeTime;
  private final int rotation;
  private final Map<ReplicaStream, Integer> plannedRows = new HashMap<>();

  /**
   * @param rotation which of several equals is taken; another number each time
   */
  ReplicaChoice(Holders holders, Collection<Piece> pieces, ComputeTime computeTime, int rotation) {
    this.holders = holders;
    this.computeTime = computeTime;
    this.rotation = rotation;
    Map<Alternatives, List<Piece>> together = new LinkedHashMap<>();
    for (Piece piece : pieces) {
      together.computeIfAbsent(new Alternatives(holders.groupOf()[piece.expertId], piece.tried),
          fresh -> new ArrayList<>()).add(piece);
    }
    together.forEach((alternatives, those) -> place(those, candidates(alternatives)));
    chosen.values().forEach(those -> those.sort(Comparator.comparingInt(piece -> piece.from)));
  }

  /** Those that can be asked, the best first. */
  private List<Candidate> candidates(Alternatives alternatives) {
    List<ReplicaLink> links = holders.groups().get(alternatives.group);
    List<Candidate> candidates = new ArrayList<>(links.size());
    for (int i = 0; i < links.size(); i++) {
      ReplicaLink link = links.get(Math.floorMod(i + rotation, links.size()));
      ReplicaStream stream = link.live();
      if (stream != null && !alternatives.tried.contains(stream)) {
        candidates.add(new Candidate(stream, link.outstandingRows() + plannedRows.getOrDefault(stream, 0)));
      }
    }
    candidates.sort(Comparator.<Candidate, Boolean>comparing(candidate -> candidate.secondChoice)
        .thenComparingInt(candidate -> candidate.rows));
    return candidates;
  }

  /** Pieces with many rows first, each where the fewest rows are: all parts end at about the same time. */
  private void place(List<Piece> pieces, List<Candidate> candidates) {
    int rows = 0;
    for (Piece piece : pieces) {
      rows += piece.rows();
    }
    int parts = Math.min(computeTime.parts(rows), candidates.size());
    List<Piece> largestFirst = new ArrayList<>(pieces);
    if (parts > 1) {
      largestFirst.sort(Comparator.comparingInt(Piece::rows).reversed());
    }
    for (Piece piece : largestFirst) {
      place(piece, parts, candidates);
    }
  }

  private void place(Piece piece, int parts, List<Candidate> candidates) {
    Candidate best = null;
    for (int i = 0; i < candidates.size(); i++) {
      Candidate candidate = candidates.get(i);
      if (best != null && (i >= parts || candidate.secondChoice != best.secondChoice)) {
        break;
      }
      if (piece.rows() <= candidate.stream.maxRows() && (best == null || candidate.rows < best.rows)) {
        best = candidate;
      }
    }
    if (best == null) {
      unplaced.add(piece);
      return;
    }
    best.rows += piece.rows();
    plannedRows.merge(best.stream, piece.rows(), Integer::sum);
    chosen.computeIfAbsent(best.stream, fresh -> new ArrayList<>()).add(piece);
  }
}
