package io.expertmesh.model.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Reads little-endian values one after the other; every read is checked against the end of the file. */
final class GgufCursor {
  private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path file;
  private final MemorySegment bytes;
  private long position;

  GgufCursor(Path file, MemorySegment bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  long position() {
    return position;
  }

  long remaining() {
    return bytes.byteSize() - position;
  }

  byte i8(String what) {
    return bytes.get(ValueLayout.JAVA_BYTE, advance(1, what));
  }

  short i16(String what) {
    return bytes.get(U16, advance(2, what));
  }

  int i32(String what) {
    return bytes.get(U32, advance(4, what));
  }

  long i64(String what) {
    return bytes.get(U64, advance(8, what));
  }

  /** A u64 that must be at most {@code limit}. */
  long count(String what, long limit) {
    long count = i64(what);
    if (count < 0 || count > limit) {
      throw InvalidCheckpoint.in(file,
          "%s is %s; at most %d is accepted".formatted(what, Long.toUnsignedString(count), limit));
    }
    return count;
  }

  /** A string of at most {@code limit} bytes. */
  String text(String what, long limit) {
    int length = Math.toIntExact(count("the length of " + what, limit));
    long start = advance(length, what);
    byte[] text = bytes.asSlice(start, length).toArray(ValueLayout.JAVA_BYTE);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text)).toString();
    } catch (CharacterCodingException e) {
      throw InvalidCheckpoint.in(file, what + " is not UTF-8", e);
    }
  }

  private long advance(long length, String what) {
    if (length > remaining()) {
      throw InvalidCheckpoint.in(file, "ends at byte %d, in the middle of %s; copy or download it again"
          .formatted(bytes.byteSize(), what));
    }
    long start = position;
    position += length;
    return start;
  }
}
