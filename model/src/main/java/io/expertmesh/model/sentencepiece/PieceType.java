package io.expertmesh.model.sentencepiece;

import org.jspecify.annotations.Nullable;

/** What a piece is for ({@code sentencepiece_model.proto}, {@code ModelProto.SentencePieceType}; GGUF's token types). */
public enum PieceType {
  NORMAL(1), UNKNOWN(2),
  /** Stands for no text: {@code <s>}, {@code </s>}. Never made from text. */
  CONTROL(3),
  /** Always one piece wherever it stands in a text. */
  USER_DEFINED(4),
  /** Never made from text, but may be split again if merges lead to it. */
  UNUSED(5),
  /** {@code <0xNN>}, a byte of a character that no piece has. Never made from text directly. */
  BYTE(6);

  private final int code;

  PieceType(int code) {
    this.code = code;
  }

  /** The number in files. */
  public int code() {
    return code;
  }

  /** Null if no type has {@code code}. */
  public static @Nullable PieceType of(long code) {
    for (PieceType type : values()) {
      if (type.code == code) {
        return type;
      }
    }
    return null;
  }
}
