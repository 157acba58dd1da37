package io.expertmesh.model.checkpoint;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Bytes of a GGUF header as they are put together, little-endian. */
final class GgufBytes {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  GgufBytes i8(int value) {
    bytes.write(value);
    return this;
  }

  GgufBytes i32(int value) {
    return i8(value).i8(value >> 8).i8(value >> 16).i8(value >> 24);
  }

  GgufBytes i64(long value) {
    return i32((int) value).i32((int) (value >> 32));
  }

  GgufBytes f32(float value) {
    return i32(Float.floatToRawIntBits(value));
  }

  GgufBytes text(String value) {
    byte[] text = value.getBytes(StandardCharsets.UTF_8);
    i64(text.length);
    bytes.writeBytes(text);
    return this;
  }

  int size() {
    return bytes.size();
  }

  byte[] toByteArray() {
    return bytes.toByteArray();
  }
}
