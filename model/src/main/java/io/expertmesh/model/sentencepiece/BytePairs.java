package io.expertmesh.model.sentencepiece;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Byte-pair encoding by scores: of all neighbours that together are a piece, those with the highest score are joined
 * first, the leftmost among equals ({@code bpe_model.cc}, {@code Model::SampleEncode}).
 */
final class BytePairs implements Segmentation {
  private final List<Piece> pieces;
  private final Map<String, Integer> mergeable = new HashMap<>();
  private final int unknown;
  private final @Nullable PieceIndex userDefined;

  BytePairs(SentencePieceModel model, @Nullable PieceIndex userDefined) {
    this.pieces = model.pieces();
    this.userDefined = userDefined;
    unknown = model.firstOf(PieceType.UNKNOWN);
    for (int id = 0; id < pieces.size(); id++) {
      switch (pieces.get(id).type()) {
        case NORMAL, USER_DEFINED, UNUSED -> mergeable.put(pieces.get(id).text(), id);
        case UNKNOWN, CONTROL, BYTE -> {
        }
      }
    }
  }

  @Override
  public void segment(String text, Sink sink) {
    new Merging(text).run(sink);
  }

  private record Pair(int left, int right, float score, int length) implements Comparable<Pair> {
    @Override
    public int compareTo(Pair other) {
      int byScore = Float.compare(other.score, score);
      return byScore != 0 ? byScore : Integer.compare(left, other.left);
    }
  }

  /** Symbols are known by their first char; an absorbed one has no length. */
  private final class Merging {
    private final String text;
    private final int[] length;
    private final int[] previous;
    private final boolean[] frozen;
    private final PriorityQueue<Pair> agenda = new PriorityQueue<>();
    /** Where pieces that must not be used were joined. */
    private final Map<String, Integer> joints = new HashMap<>();

    Merging(String text) {
      this.text = text;
      length = new int[text.length()];
      previous = new int[text.length() + 1];
      frozen = new boolean[text.length()];
    }

    void run(Sink sink) {
      int last = -1;
      for (int at = 0; at < text.length();) {
        PieceIndex.Match kept = userDefined == null ? null : userDefined.longest(text, at);
        frozen[at] = kept != null;
        length[at] = kept == null ? Character.charCount(text.codePointAt(at)) : kept.length();
        previous[at] = last;
        offer(last, at);
        last = at;
        at += length[at];
      }
      for (Pair pair = agenda.poll(); pair != null; pair = agenda.poll()) {
        if (length[pair.left] != 0 && length[pair.right] != 0
            && length[pair.left] + length[pair.right] == pair.length) {
          join(pair.left, pair.right);
        }
      }
      for (int at = 0; at < text.length(); at += length[at]) {
        emit(at, at + length[at], sink);
      }
    }

    private void join(int left, int right) {
      int next = right + length[right];
      length[left] = next - left;
      length[right] = 0;
      previous[next] = left;
      offer(previous[left], left);
      if (next < text.length()) {
        offer(left, next);
      }
    }

    private void offer(int left, int right) {
      if (left < 0 || frozen[left] || frozen[right]) {
        return;
      }
      String joined = text.substring(left, right + length[right]);
      Integer id = mergeable.get(joined);
      if (id == null) {
        return;
      }
      agenda.add(new Pair(left, right, pieces.get(id).score(), joined.length()));
      if (pieces.get(id).type() == PieceType.UNUSED) {
        joints.put(joined, right - left);
      }
    }

    private void emit(int start, int end, Sink sink) {
      String symbol = text.substring(start, end);
      int id = mergeable.getOrDefault(symbol, unknown);
      Integer joint = pieces.get(id).type() == PieceType.UNUSED ? joints.get(symbol) : null;
      if (joint == null) {
        sink.piece(start, end, id);
      } else {
        emit(start, start + joint, sink);
        emit(start + joint, end, sink);
      }
    }
  }
}
