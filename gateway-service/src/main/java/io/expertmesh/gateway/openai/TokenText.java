package io.expertmesh.gateway.openai;

import io.expertmesh.model.tokenizer.Tokenizer;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** How single tokens are shown beside their log-probabilities. */
record TokenText(Tokenizer tokenizer) {
  /** The bytes of a token in the text; those of its name if it is a special one. */
  byte[] bytes(int id) {
    byte[] bytes = tokenizer.tokenBytes(id);
    return bytes.length > 0 ? bytes : tokenizer.tokenText(id).getBytes(StandardCharsets.UTF_8);
  }

  /** The token's text; for a part of a character {@code bytes:\xe2\x80} as OpenAI's completions write it. */
  String text(int id) {
    byte[] bytes = bytes(id);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException partOfACharacter) {
      StringBuilder escaped = new StringBuilder("bytes:");
      for (byte value : bytes) {
        escaped.append("\\x%02x".formatted(value & 0xff));
      }
      return escaped.toString();
    }
  }
}
