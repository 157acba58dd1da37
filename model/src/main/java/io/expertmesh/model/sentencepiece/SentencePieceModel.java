package io.expertmesh.model.sentencepiece;

import java.util.List;

/**
 * A trained SentencePiece model.
 *
 * @param pieces by id; exactly one is of type UNKNOWN
 * @param byteFallback whether characters without a piece become pieces of their UTF-8 bytes instead of UNKNOWN
 */
public record SentencePieceModel(Algorithm algorithm, List<Piece> pieces, boolean byteFallback,
    Normalization normalization) {
  /** How text is cut into pieces. */
  public enum Algorithm {
    UNIGRAM, BPE
  }

  public SentencePieceModel {
    pieces = List.copyOf(pieces);
  }

  /** The same with other pieces. */
  public SentencePieceModel withPieces(List<Piece> others) {
    return new SentencePieceModel(algorithm, others, byteFallback, normalization);
  }

  /** The id of the first piece of {@code type}, -1 if there is none. */
  public int firstOf(PieceType type) {
    for (int id = 0; id < pieces.size(); id++) {
      if (pieces.get(id).type() == type) {
        return id;
      }
    }
    return -1;
  }

  /** The id of the control piece {@code text}, -1 if there is none. */
  public int control(String text) {
    for (int id = 0; id < pieces.size(); id++) {
      if (pieces.get(id).type() == PieceType.CONTROL && pieces.get(id).text().equals(text)) {
        return id;
      }
    }
    return -1;
  }
}
