package io.expertmesh.model.sentencepiece;

/**
 * One entry of the vocabulary; its id is its place.
 *
 * @param score log-probability (unigram), or how early the piece is merged (BPE: the highest first)
 */
public record Piece(String text, float score, PieceType type) {}
