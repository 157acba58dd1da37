package io.expertmesh.model.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A tiny vocabulary with the normalizer and decoder that Llama 2 and Mixtral have: {@code U+2581} and byte fallback. */
class ByteFallbackDecodingTest {
  private static final int FIRST_BYTE = 3;
  private static final JsonTokenizer TOKENIZER = tokenizer();

  private static JsonTokenizer tokenizer() {
    ObjectNode definition = Json.MAPPER.createObjectNode().put("version", "1.0");
    ArrayNode added = definition.putArray("added_tokens");
    for (String token : new String[]{"<unk>", "<s>", "</s>"}) {
      added.addObject().put("id", added.size() - 1).put("content", token).put("single_word", false)
          .put("lstrip", false).put("rstrip", false).put("normalized", false).put("special", true);
    }
    ObjectNode normalizer = definition.putObject("normalizer").put("type", "Sequence");
    normalizer.putArray("normalizers").addObject().put("type", "Prepend").put("prepend", "\u2581");
    normalizer.withArray("normalizers").addObject().put("type", "Replace").put("content", "\u2581").putObject("pattern")
        .put("String", " ");
    ArrayNode decoders = definition.putObject("decoder").put("type", "Sequence").putArray("decoders");
    decoders.addObject().put("type", "Replace").put("content", " ").putObject("pattern").put("String", "\u2581");
    decoders.addObject().put("type", "ByteFallback");
    decoders.addObject().put("type", "Fuse");
    decoders.addObject().put("type", "Strip").put("content", " ").put("start", 1).put("stop", 0);
    ObjectNode model = definition.putObject("model").put("type", "BPE").put("unk_token", "<unk>").put("fuse_unk", true)
        .put("byte_fallback", true);
    ObjectNode vocabulary = model.putObject("vocab").put("<unk>", 0).put("<s>", 1).put("</s>", 2);
    for (int value = 0; value < 256; value++) {
      vocabulary.put("<0x%02X>".formatted(value), vocabulary.size());
    }
    for (String token : new String[]{"\u2581", "a", "b", "\u2581a", "ab", "\u00e9", "\uFFFD"}) {
      vocabulary.put(token, vocabulary.size());
    }
    model.putArray("merges").add("\u2581 a").add("a b");
    return new JsonTokenizer(definition, 0, "sentence piece");
  }

  @Test
  void bytesAreThoseOfRunningText() {
    int[] ids = TOKENIZER.encode("a b\u4e2d", false);
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(new String(TOKENIZER.tokenBytes(id), java.nio.charset.StandardCharsets.ISO_8859_1));
    }
    assertThat(text.toString()).isEqualTo(new String(" a b\u4e2d".getBytes(UTF_8),
        java.nio.charset.StandardCharsets.ISO_8859_1));
    assertThat(TOKENIZER.tokenBytes(FIRST_BYTE + 0xE4)).containsExactly(0xE4);
    assertThat(TOKENIZER.tokenBytes(1)).isEmpty();
  }

  @Test
  void streamingGivesTheTextOfAFullDecode() {
    Random random = new Random(3);
    String alphabet = "ab \u00e9\u4e2d\uD83D\uDE80";
    for (int round = 0; round < 500; round++) {
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(12); i >= 0; i--) {
        int at = alphabet.offsetByCodePoints(0, random.nextInt(6));
        text.appendCodePoint(alphabet.codePointAt(at));
      }
      int[] ids = TOKENIZER.encode(text.toString(), false);
      for (int special = random.nextInt(3); special > 0; special--) {
        ids[random.nextInt(ids.length)] = special;
      }
      JsonTokenizerTest.assertStreamsLikeDecode(TOKENIZER, ids);
    }
  }

  @Test
  void aCharacterOfSeveralByteTokensComesOutOnce() {
    StreamingDetokenizer stream = TOKENIZER.streaming(true);
    assertThat(stream.next(FIRST_BYTE + 0xE4)).isEmpty();
    assertThat(stream.next(FIRST_BYTE + 0xB8)).isEmpty();
    assertThat(stream.next(FIRST_BYTE + 0xAD)).isEqualTo("\u4e2d");
    assertThat(stream.next(FIRST_BYTE + 0xE4)).isEmpty();
    assertThat(stream.next(FIRST_BYTE + 0xB8)).isEmpty();
    // As SentencePiece: one for each byte. Hugging Face's decoder would take the character before with it.
    assertThat(stream.flush()).isEqualTo("\uFFFD\uFFFD");
  }

  @Test
  void endlessInvalidBytesAreNotHeldBackForEver() {
    StreamingDetokenizer stream = TOKENIZER.streaming(true);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 100; i++) {
      text.append(stream.next(FIRST_BYTE + 0xFF));
    }
    assertThat(text.length()).isBetween(85, 100);
    assertThat(text.append(stream.flush()).toString()).isEqualTo("\uFFFD".repeat(100));
  }
}
