package io.expertmesh.model.tokenizer;

/** Whole texts from decoders of streams. */
final class Streams {
  private Streams() {}

  static String decode(StreamingDetokenizer stream, int[] ids) {
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(stream.next(id));
    }
    return text.append(stream.flush()).toString();
  }
}
