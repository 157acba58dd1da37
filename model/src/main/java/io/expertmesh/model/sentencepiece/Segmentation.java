package io.expertmesh.model.sentencepiece;

/** A way to cut a normalized text into pieces. Thread-safe. */
interface Segmentation {
  /** Takes the pieces from left to right. */
  @FunctionalInterface
  interface Sink {
    /** @param id the id of UNKNOWN where no piece is {@code text[start, end)} */
    void piece(int start, int end, int id);
  }

  void segment(String text, Sink sink);
}
