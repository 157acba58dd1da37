package io.expertmesh.engine.text;

import io.expertmesh.model.tokenizer.StreamingDetokenizer;
import java.util.Map;

/** Shows some special tokens as text, which another detokenizer would skip. */
final class MarkedDetokenizer implements StreamingDetokenizer {
  private final StreamingDetokenizer text;
  private final Map<Integer, String> marks;

  MarkedDetokenizer(StreamingDetokenizer text, Map<Integer, String> marks) {
    this.text = text;
    this.marks = marks;
  }

  @Override
  public String next(int id) {
    String mark = marks.get(id);
    return mark == null ? text.next(id) : text.flush() + mark;
  }

  @Override
  public String flush() {
    return text.flush();
  }
}
