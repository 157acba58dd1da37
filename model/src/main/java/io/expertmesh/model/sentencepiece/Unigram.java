package io.expertmesh.model.sentencepiece;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The most probable pieces, found from left to right ({@code unigram_model.cc}, {@code Model::EncodeOptimized}). Sums
 * are rounded as there, since near ties decide.
 */
final class Unigram implements Segmentation {
  private static final float UNKNOWN_PENALTY = 10;

  private final PieceIndex index;
  private final double[] scores;
  private final int unknown;
  private final float unknownScore;

  Unigram(SentencePieceModel model) {
    List<Piece> pieces = model.pieces();
    unknown = model.firstOf(PieceType.UNKNOWN);
    float lowest = Float.MAX_VALUE;
    float highest = Float.MIN_NORMAL;
    for (Piece piece : pieces) {
      if (piece.type() == PieceType.NORMAL) {
        lowest = Math.min(lowest, piece.score());
        highest = Math.max(highest, piece.score());
      }
    }
    unknownScore = lowest - UNKNOWN_PENALTY;
    scores = new double[pieces.size()];
    Map<String, Integer> found = new HashMap<>();
    for (int id = 0; id < pieces.size(); id++) {
      Piece piece = pieces.get(id);
      switch (piece.type()) {
        case NORMAL -> {
          found.put(piece.text(), id);
          scores[id] = piece.score();
        }
        case USER_DEFINED -> {
          found.put(piece.text(), id);
          scores[id] = piece.text().getBytes(StandardCharsets.UTF_8).length * highest - 0.1;
        }
        case UNKNOWN, CONTROL, UNUSED, BYTE -> {
        }
      }
    }
    index = new PieceIndex(found);
  }

  @Override
  public void segment(String text, Sink sink) {
    BestPaths paths = new BestPaths(text.length());
    for (int at = 0; at < text.length();) {
      int character = Character.charCount(text.codePointAt(at));
      paths.from(at, character);
      index.at(text, at, paths);
      if (!paths.characterIsPiece) {
        paths.offer(at + character, unknown, unknownScore + paths.score[at]);
      }
      at += character;
    }
    paths.emit(text.length(), sink);
  }

  /** The best way to reach each place of a text. */
  private final class BestPaths implements PieceIndex.Visitor {
    private final float[] score;
    private final int[] start;
    private final int[] piece;
    private int from;
    private int character;
    private boolean characterIsPiece;

    BestPaths(int length) {
      score = new float[length + 1];
      start = new int[length + 1];
      piece = new int[length + 1];
      java.util.Arrays.fill(start, -1);
    }

    void from(int at, int characterLength) {
      from = at;
      character = characterLength;
      characterIsPiece = false;
    }

    @Override
    public void found(int length, int id) {
      offer(from + length, id, scores[id] + score[from]);
      characterIsPiece |= length == character;
    }

    void offer(int end, int id, double candidate) {
      if (start[end] < 0 || candidate > score[end]) {
        score[end] = (float) candidate;
        start[end] = from;
        piece[end] = id;
      }
    }

    void emit(int end, Sink sink) {
      // Turned around in place: next[i] is where the piece that begins at i ends.
      int[] next = new int[end + 1];
      for (int at = end; at > 0; at = start[at]) {
        next[start[at]] = at;
      }
      for (int at = 0; at < end; at = next[at]) {
        sink.piece(at, next[at], piece[next[at]]);
      }
    }
  }
}
