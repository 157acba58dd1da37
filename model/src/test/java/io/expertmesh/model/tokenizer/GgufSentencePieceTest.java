package io.expertmesh.model.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.model.checkpoint.GgufFiles;
import io.expertmesh.model.checkpoint.GgufValue;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.sentencepiece.Piece;
import io.expertmesh.model.sentencepiece.SentencePieceFile;
import io.expertmesh.model.sentencepiece.SentencePieceModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** SentencePiece models in the keys that llama.cpp's converter writes give SentencePiece's ids. */
class GgufSentencePieceTest {
  @TempDir
  Path temporary;

  private Map<String, GgufValue> keys(String fixture, String model) throws IOException {
    SentencePieceModel pieces = SentencePieceFile.read(Files.write(temporary.resolve(fixture),
        TokenizerFixtures.unpacked(fixture + "/model")));
    Map<String, GgufValue> keys = new LinkedHashMap<>();
    keys.put("tokenizer.ggml.model", new GgufValue.Text(model));
    keys.put("tokenizer.ggml.tokens", new GgufValue.Texts(pieces.pieces().stream().map(Piece::text).toList()));
    keys.put("tokenizer.ggml.scores", new GgufValue.Reals(pieces.pieces().stream().mapToDouble(Piece::score)
        .toArray()));
    keys.put("tokenizer.ggml.token_type", new GgufValue.Ints(pieces.pieces().stream()
        .mapToLong(piece -> piece.type().code()).toArray()));
    keys.put("tokenizer.ggml.bos_token_id", new GgufValue.Int(1));
    keys.put("tokenizer.ggml.eos_token_id", new GgufValue.Int(model.equals("t5") ? 1 : 2));
    return keys;
  }

  private static Tokenizer tokenizer(Map<String, GgufValue> keys) {
    return new GgufVocabulary(GgufFiles.metadata(Path.of("some.gguf"), keys)).load().tokenizer();
  }

  private static void compare(Tokenizer tokenizer, String fixture) {
    JsonNode cases = TokenizerFixtures.json(fixture + "/cases.json");
    List<String> texts = TokenizerFixtures.texts();
    for (int i = 0; i < texts.size(); i++) {
      int[] ids = DemoTokenizer.ints(cases.path("ids").path(i));
      assertThat(tokenizer.encode(texts.get(i), false)).as(texts.get(i)).isEqualTo(ids);
      assertThat(tokenizer.decode(ids, true)).isEqualTo(cases.path("decoded").path(i).stringValue());
    }
  }

  @Test
  void llamaIsBytePairEncodingByScores() throws IOException {
    Map<String, GgufValue> keys = keys("bpe", "llama");
    Tokenizer tokenizer = tokenizer(keys);
    compare(tokenizer, "bpe");
    int[] plain = tokenizer.encode("the router", false);
    assertThat(tokenizer.encode("the router", true)).startsWith(1).endsWith(plain).hasSize(plain.length + 1);
    assertThat(tokenizer.encode("the</s>the", false)).contains(2);
    keys.put("tokenizer.ggml.add_space_prefix", new GgufValue.Flag(false));
    assertThat(tokenizer(keys).decode(tokenizer(keys).encode("the router", false), true)).isEqualTo("the router");
    assertThat(tokenizer(keys).encode("the router", false)).isNotEqualTo(plain);
  }

  @Test
  void t5IsUnigramWithItsMapOfCharacters() throws IOException {
    Map<String, GgufValue> keys = keys("unigram-bytes", "t5");
    byte[] model = TokenizerFixtures.unpacked("unigram-bytes/model");
    keys.put("tokenizer.ggml.precompiled_charsmap", new GgufValue.Ints(charsMap(model)));
    keys.put("tokenizer.ggml.remove_extra_whitespaces", new GgufValue.Flag(true));
    Tokenizer tokenizer = tokenizer(keys);
    compare(tokenizer, "unigram-bytes");
    assertThat(tokenizer.encode("the router", true)).endsWith(1).doesNotContain(0);
  }

  /** The largest field of {@code normalizer_spec}, found by its tag and length. */
  private static long[] charsMap(byte[] model) {
    for (int at = 0; at < model.length - 4; at++) {
      int length = (model[at + 1] & 0x7F) | ((model[at + 2] & 0x7F) << 7) | ((model[at + 3] & 0x7F) << 14);
      if (model[at] == 0x12 && model[at + 1] < 0 && model[at + 2] < 0 && model[at + 3] >= 0 && length > 100_000
          && at + 4 + length <= model.length && model[at + 7] == 0) {
        long[] values = new long[length];
        for (int i = 0; i < length; i++) {
          values[i] = model[at + 4 + i];
        }
        return values;
      }
    }
    throw new AssertionError("the fixture has no map of characters");
  }

  @Test
  void contradictionsAreRefused() throws IOException {
    assertRefused("tokenizer.ggml.scores", new GgufValue.Reals(new double[]{1}), "600 tokens but 1 scores");
    assertRefused("tokenizer.ggml.token_type", new GgufValue.Ints(new long[]{1}), "600 tokens but 1 token types");
    assertRefused("tokenizer.ggml.token_type", new GgufValue.Ints(new long[600]), "token 0 of type 0");
    assertRefused("tokenizer.ggml.bos_token_id", new GgufValue.Int(600), "bos_token_id 600");
    assertRefused("tokenizer.ggml.precompiled_charsmap", new GgufValue.Ints(new long[]{9, 0, 0, 0}),
        "precompiled_charsmap has 4 bytes");
  }

  private void assertRefused(String key, GgufValue value, String message) throws IOException {
    Map<String, GgufValue> keys = keys("bpe", "llama");
    keys.put(key, value);
    assertThatThrownBy(() -> tokenizer(keys)).isInstanceOf(FailureException.class).hasMessageContaining("some.gguf")
        .hasMessageContaining(message);
  }
}
