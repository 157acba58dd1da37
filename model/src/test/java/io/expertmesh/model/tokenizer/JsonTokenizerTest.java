package io.expertmesh.model.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.model.failure.FailureException;
import java.util.Random;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

class JsonTokenizerTest {
  private static final JsonTokenizer DEMO = DemoTokenizer.open();

  @Test
  void encodesAndDecodesAsTransformersDoes() {
    JsonNode texts = DemoTokenizer.reference().path("texts");
    assertThat(texts.size()).isGreaterThan(20);
    for (JsonNode sample : texts) {
      int[] ids = DemoTokenizer.ints(sample.path("ids"));
      String text = sample.path("text").stringValue();
      assertThat(DEMO.encode(text, true)).as(text).isEqualTo(ids);
      assertThat(DEMO.decode(ids, false)).isEqualTo(sample.path("decoded").stringValue());
      assertThat(DEMO.decode(ids, true)).isEqualTo(sample.path("decoded_without_special_tokens").stringValue());
    }
  }

  @Test
  void decodesIdsThatAreNoTextAsTransformersDoes() {
    JsonNode sequences = DemoTokenizer.reference().path("token_ids");
    assertThat(sequences.size()).isGreaterThan(10);
    for (JsonNode sample : sequences) {
      int[] ids = DemoTokenizer.ints(sample.path("ids"));
      assertThat(DEMO.decode(ids, false)).isEqualTo(sample.path("decoded").stringValue());
      assertThat(DEMO.decode(ids, true)).isEqualTo(sample.path("decoded_without_special_tokens").stringValue());
    }
  }

  @Test
  void neverTruncatesOrPads() {
    ObjectNode limited = Json.readObject(DemoTokenizer.FOLDER.resolve("tokenizer.json"));
    limited.putObject("truncation").put("direction", "Right").put("max_length", 8).put("strategy", "LongestFirst")
        .put("stride", 0);
    ObjectNode padding = limited.putObject("padding").put("direction", "Right").put("pad_id", 1).put("pad_type_id", 0)
        .put("pad_token", "<|padding|>");
    padding.putNull("pad_to_multiple_of").putObject("strategy").put("Fixed", 4096);
    JsonTokenizer tokenizer = new JsonTokenizer(limited, 0, "limited");
    String text = "seventeen and four ".repeat(50_000);

    assertThat(tokenizer.encode("a", true)).hasSize(1);
    int[] ids = tokenizer.encode(text, true);
    assertThat(ids).hasSizeGreaterThan(100_000);
    assertThat(tokenizer.decode(ids, true)).isEqualTo(text);
  }

  @Test
  void roundTripsEveryCharacterThatUtf8CanHold() {
    StringBuilder text = new StringBuilder();
    for (int codePoint = 0; codePoint <= Character.MAX_CODE_POINT; codePoint += codePoint < 0x3000 ? 1 : 97) {
      if (codePoint < 0xD800 || codePoint > 0xDFFF) {
        text.appendCodePoint(codePoint);
      }
    }
    String nfc = java.text.Normalizer.normalize(text, java.text.Normalizer.Form.NFC);
    assertThat(DEMO.decode(DEMO.encode(nfc, false), false)).isEqualTo(nfc);
  }

  @Test
  void halfASurrogatePairBecomesAReplacementCharacter() {
    assertThat(DEMO.decode(DEMO.encode("a\uD83Db\uDE00\uD83D", false), false)).isEqualTo("a\uFFFDb\uFFFD\uFFFD");
    assertThat(DEMO.decode(DEMO.encode("a\uD83D\uDE00b", false), false)).isEqualTo("a\uD83D\uDE00b");
  }

  @Test
  void bytesOfTheTokensAreTheBytesOfTheText() {
    String text = "naïve café 中文 \uD83D\uDE80\n\t 12.5 <|user|>";
    StringBuilder hex = new StringBuilder();
    for (int id : DEMO.encode(text, false)) {
      for (byte value : DEMO.tokenBytes(id)) {
        hex.append("%02x".formatted(value));
      }
    }
    assertThat(hex.toString()).isEqualTo(java.util.HexFormat.of().formatHex(text.replace("<|user|>", "")
        .getBytes(UTF_8)));
    assertThat(DEMO.isSpecial(2)).isTrue();
    assertThat(DEMO.tokenText(2)).isEqualTo("<|user|>");
  }

  @Test
  void idsOfThePaddedVocabularyStandForNothing() {
    JsonTokenizer padded = new JsonTokenizer(Json.readObject(DemoTokenizer.FOLDER.resolve("tokenizer.json")), 1100,
        "demo");
    assertThat(padded.size()).isEqualTo(1024);
    assertThat(padded.tokenText(1099)).isEmpty();
    assertThat(padded.tokenBytes(1099)).isEmpty();
    assertThat(padded.isSpecial(1099)).isFalse();
    int[] he = padded.encode("he", false);
    assertThat(padded.decode(new int[]{1099, he[0], 1024}, false)).isEqualTo("he");
    assertThat(padded.streaming(false).next(1099)).isEmpty();
  }

  @Test
  void idsOutsideTheVocabularyAreRefused() {
    for (int id : new int[]{-1, 1024, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
      String message = "token id %d is outside the vocabulary; valid ids are 0 to 1023".formatted(id);
      assertThatThrownBy(() -> DEMO.decode(new int[]{id}, true)).isInstanceOf(FailureException.class)
          .hasMessage(message);
      assertThatThrownBy(() -> DEMO.tokenBytes(id)).hasMessage(message);
      assertThatThrownBy(() -> DEMO.tokenText(id)).hasMessage(message);
      assertThatThrownBy(() -> DEMO.isSpecial(id)).hasMessage(message);
      assertThatThrownBy(() -> DEMO.streaming(true).next(id)).hasMessage(message);
      assertThatThrownBy(() -> DEMO.streaming(false).next(id)).hasMessage(message);
    }
  }

  @Test
  void streamingGivesTheTextOfAFullDecodeAndNeverHalfACharacter() {
    Random random = new Random(7);
    for (int round = 0; round < 2000; round++) {
      // Mostly the 256 single bytes, which make invalid UTF-8 of every kind.
      int[] ids = random.ints(1 + random.nextInt(24), 0, round % 2 == 0 ? 262 : DemoTokenizer.MODEL_VOCABULARY)
          .toArray();
      assertStreamsLikeDecode(DEMO, ids);
    }
    for (JsonNode sample : DemoTokenizer.reference().path("texts")) {
      assertStreamsLikeDecode(DEMO, DemoTokenizer.ints(sample.path("ids")));
    }
  }

  static void assertStreamsLikeDecode(Tokenizer tokenizer, int[] ids) {
    for (boolean skip : new boolean[]{true, false}) {
      StreamingDetokenizer stream = tokenizer.streaming(skip);
      StringBuilder text = new StringBuilder();
      for (int id : ids) {
        String piece = stream.next(id);
        assertThat(piece.codePoints()).noneMatch(c -> c >= 0xD800 && c <= 0xDFFF);
        text.append(piece);
      }
      text.append(stream.flush());
      assertThat(text.toString()).as("%s", ids).isEqualTo(tokenizer.decode(ids, skip));
    }
  }

  @Test
  void streamingEmitsACharacterWithItsLastByte() {
    StreamingDetokenizer stream = DEMO.streaming(true);
    int[] rocket = DEMO.encode("\uD83D\uDE80", false);
    assertThat(rocket).hasSizeGreaterThan(1);
    for (int i = 0; i < rocket.length - 1; i++) {
      assertThat(stream.next(rocket[i])).isEmpty();
    }
    assertThat(stream.next(rocket[rocket.length - 1])).isEqualTo("\uD83D\uDE80");
    assertThat(stream.flush()).isEmpty();
  }

  @Test
  void damagedDefinitionsAreRefusedWithTheirName() {
    assertThatThrownBy(() -> new JsonTokenizer(Json.MAPPER.createObjectNode(), 0, "some/tokenizer.json"))
        .isInstanceOf(FailureException.class).hasMessage("some/tokenizer.json has no vocabulary (model.vocab)");
    ObjectNode unknown = Json.readObject(DemoTokenizer.FOLDER.resolve("tokenizer.json"));
    unknown.putObject("pre_tokenizer").put("type", "Nonsense");
    assertThatThrownBy(() -> new JsonTokenizer(unknown, 0, "some/tokenizer.json"))
        .isInstanceOf(FailureException.class).hasMessageStartingWith("some/tokenizer.json is not a tokenizer");
    ObjectNode huge = Json.readObject(DemoTokenizer.FOLDER.resolve("tokenizer.json"));
    ((ObjectNode) huge.path("model").path("vocab")).put("boo", Integer.MAX_VALUE);
    assertThatThrownBy(() -> new JsonTokenizer(huge, 0, "some/tokenizer.json"))
        .hasMessageContaining("'boo' the id 2147483647");
  }
}
