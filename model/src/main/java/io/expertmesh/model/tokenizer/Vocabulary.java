package io.expertmesh.model.tokenizer;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The tokens of a {@code tokenizer.json} by id, and the bytes that each stands for. */
final class Vocabulary {
  /** How the decoder turns tokens into text. */
  enum Spelling {
    /** Every character of a token is a byte (GPT-2, Llama 3, OLMoE, Qwen). */
    BYTE_LEVEL,
    /** A space is {@code U+2581} and a byte outside the vocabulary is {@code <0xNN>} (SentencePiece). */
    SENTENCE_PIECE,
    /** A token is its text. */
    PLAIN
  }

  /** More ids than any known vocabulary by far: a larger one is a damaged file. */
  private static final int MAX_IDS = 1 << 24;
  private static final byte[] NOTHING = {};

  private final @Nullable String[] tokens;
  private final BitSet special;
  private final Spelling spelling;

  /**
   * @param tokens by id, null for an id without one
   * @param special ids of tokens that are no text
   */
  Vocabulary(@Nullable String[] tokens, BitSet special, Spelling spelling) {
    this.tokens = tokens;
    this.special = special;
    this.spelling = spelling;
  }

  /**
   * @param source the file, for messages
   * @throws FailureException INVALID_CHECKPOINT if {@code definition} has no readable vocabulary
   */
  static Vocabulary of(JsonNode definition, String source) {
    List<@Nullable String> tokens = new ArrayList<>();
    JsonNode vocabulary = definition.path("model").path("vocab");
    if (vocabulary.isObject()) {
      for (Map.Entry<String, JsonNode> entry : vocabulary.properties()) {
        set(tokens, entry.getValue(), entry.getKey(), source);
      }
    } else if (vocabulary.isArray()) {
      // Unigram: [token, score] in the order of the ids.
      for (JsonNode entry : vocabulary) {
        tokens.add(entry.path(0).asString(""));
      }
    } else {
      throw new FailureException(FailureCategory.INVALID_CHECKPOINT,
          "%s has no vocabulary (model.vocab)".formatted(source));
    }
    BitSet special = new BitSet();
    for (JsonNode added : definition.path("added_tokens")) {
      JsonNode id = added.path("id");
      set(tokens, id, added.path("content").asString(""), source);
      if (added.path("special").asBoolean(false)) {
        special.set(id.intValue());
      }
    }
    return new Vocabulary(tokens.toArray(new String[0]), special, spelling(definition.path("decoder")));
  }

  private static void set(List<@Nullable String> tokens, JsonNode id, String token, String source) {
    if (!id.isInt() || id.intValue() < 0 || id.intValue() >= MAX_IDS) {
      throw new FailureException(FailureCategory.INVALID_CHECKPOINT,
          "%s gives token '%s' the id %s; ids are 0 to %d".formatted(source, token, id, MAX_IDS - 1));
    }
    while (tokens.size() <= id.intValue()) {
      tokens.add(null);
    }
    tokens.set(id.intValue(), token);
  }

  private static Spelling spelling(JsonNode decoder) {
    if (decoder.path("type").asString("").equals("ByteLevel")) {
      return Spelling.BYTE_LEVEL;
    }
    return SentencePieceDecoder.firstSpace(decoder) == null ? Spelling.PLAIN : Spelling.SENTENCE_PIECE;
  }

  Spelling spelling() {
    return spelling;
  }

  /** One more than the largest id. */
  int size() {
    return tokens.length;
  }

  /** The token as it is written in the vocabulary, empty for an id without one. */
  String text(int id) {
    String token = id < tokens.length ? tokens[id] : null;
    return token == null ? "" : token;
  }

  boolean isSpecial(int id) {
    return special.get(id);
  }

  /** The bytes of {@code id} inside a text, special or not. */
  byte[] bytes(int id) {
    String token = text(id);
    return switch (spelling) {
      case BYTE_LEVEL -> ByteLevelAlphabet.bytes(token);
      case SENTENCE_PIECE -> {
        int value = byteValue(id);
        yield value < 0 ? token.replace('\u2581', ' ').getBytes(StandardCharsets.UTF_8) : new byte[]{(byte) value};
      }
      case PLAIN -> token.getBytes(StandardCharsets.UTF_8);
    };
  }

  /** The bytes that {@code id} adds to a text that shows no special tokens. */
  byte[] textBytes(int id) {
    return isSpecial(id) ? NOTHING : bytes(id);
  }

  /** The byte that a SentencePiece token like {@code <0xE4>} is, -1 if {@code id} is no such token. */
  int byteValue(int id) {
    String token = text(id);
    if (spelling != Spelling.SENTENCE_PIECE || token.length() != 6 || !token.startsWith("<0x")
        || !token.endsWith(">")) {
      return -1;
    }
    int high = Character.digit(token.charAt(3), 16);
    int low = Character.digit(token.charAt(4), 16);
    return high < 0 || low < 0 ? -1 : (high << 4) | low;
  }

  @Override
  public String toString() {
    return "Vocabulary[%d ids, %s, special %s]".formatted(tokens.length, spelling,
        Arrays.toString(special.stream().limit(16).toArray()));
  }
}
