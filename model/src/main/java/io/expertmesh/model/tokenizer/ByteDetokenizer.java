package io.expertmesh.model.tokenizer;

import java.util.function.IntFunction;

/** Streams a vocabulary whose tokens are bytes: the text is the UTF-8 of the bytes one after another. */
final class ByteDetokenizer implements StreamingDetokenizer {
  private final IntFunction<byte[]> bytes;
  private final Utf8Stream utf8 = new Utf8Stream();

  /** @param bytes the bytes of an id; throws for an id outside the vocabulary */
  ByteDetokenizer(IntFunction<byte[]> bytes) {
    this.bytes = bytes;
  }

  @Override
  public String next(int id) {
    StringBuilder text = new StringBuilder();
    for (byte value : bytes.apply(id)) {
      utf8.accept(value, text);
    }
    return text.toString();
  }

  @Override
  public String flush() {
    StringBuilder text = new StringBuilder();
    utf8.flush(text);
    return text.toString();
  }
}
