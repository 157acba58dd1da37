package io.expertmesh.engine.constraint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class JsonConstraintTest {
  private static final TokenTrie BYTES = Vocabularies.bytes();
  private static final TokenTrie PIECES = Vocabularies.pieces(3, 1500);
  private static final ConstraintCompiler COMPILER = new ConstraintCompiler(BYTES);
  private static final ConstraintCompiler PIECES_COMPILER = new ConstraintCompiler(PIECES);

  private static JsonNode json(String text) {
    return SchemaCheck.JSON.readTree(text);
  }

  private static boolean accepts(TokenConstraint constraint, byte[] text) {
    for (byte b : text) {
      if (!constraint.allowed().get(b & 0xFF)) {
        return false;
      }
      constraint.accept(b & 0xFF);
    }
    return constraint.mayEnd();
  }

  private static boolean accepts(TokenConstraint constraint, String text) {
    return accepts(constraint, text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void objectsOfAnyKindAreObjects() {
    Random random = new Random(4);
    RandomAnswers answers = new RandomAnswers(PIECES, random);
    for (int i = 0; i < 300; i++) {
      String answer = answers.draw(PIECES_COMPILER.jsonObject());
      assertThat(SchemaCheck.JSON.readTree(answer).isObject()).as(answer).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"{}", "{ }", "{\n}", "{\"a\":1}", "{ \"a\": [1, 2, {}], \"b\": null }",
          "{\n\t\"a\": {\n\t\t\"b\": true\n\t}\n}",
          "{\"a\\u00e9\\ud83d\\ude00\\/\\b\":-0.5e+10}", "{\"a\":[[],[[]]],\"a\":1E2}"})
  void jsonObjectsAreAccepted(String text) {
    assertThat(accepts(COMPILER.jsonObject(), text)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", " {}", "[]", "{", "{}}", "{} ", "{  }", "{\n\n}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}",
          "{a:1}",
          "{'a':1}", "{\"a\":01}", "{\"a\":+1}", "{\"a\":.5}", "{\"a\":1.}", "{\"a\":1e}", "{\"a\":1e400}",
          "{\"a\":NaN}", "{\"a\":\"\n\"}",
          "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\\udc00\"}",
          "{\"a\":\"\\ud800\\u0041\"}", "{\"a\":tru}",
          "{\"a\":1 2}", "{\"a\":1,  \"b\":2}", "{\"a\":  1}", "{\"a\" :1}", "{\"a\":[1,]}", "{\"a\":1}x",
          "{\"a\":--1}"})
  void whatIsNotAJsonObjectIsNot(String text) {
    assertThat(accepts(COMPILER.jsonObject(), text)).isFalse();
  }

  @Test
  void bytesThatAreNotUtf8AreNotAllowed() {
    for (int[] bytes : List.of(new int[]{0x80}, new int[]{0xC0, 0x80}, new int[]{0xC1, 0x81},
        new int[]{0xE0, 0x80, 0x80},
        new int[]{0xED, 0xA0, 0x80}, new int[]{0xF4, 0x90, 0x80, 0x80}, new int[]{0xF5, 0x80, 0x80, 0x80},
        new int[]{0xC3},
        new int[]{0xFF})) {
      byte[] text = new byte[bytes.length + 2];
      text[0] = '"';
      for (int i = 0; i < bytes.length; i++) {
        text[i + 1] = (byte) bytes[i];
      }
      text[bytes.length + 1] = '"';
      assertThat(accepts(COMPILER.jsonSchema(json("{\"type\":\"string\"}"), false), text)).isFalse();
    }
  }

  @Test
  void nestingEndsAtItsLimit() {
    int deep = ConstraintCompiler.MAX_DEPTH - 1;
    String most = "{\"a\":" + "[".repeat(deep) + "]".repeat(deep) + "}";
    assertThat(accepts(COMPILER.jsonObject(), most)).isTrue();
    String more = "{\"a\":" + "[".repeat(deep + 1) + "]".repeat(deep + 1) + "}";
    assertThat(accepts(COMPILER.jsonObject(), more)).isFalse();
  }

  @Test
  void atTheNestingLimitTheRequiredStillFits() {
    JsonNode schema = json("""
        {"$defs": {"tree": {"type": "object", "properties": {
          "value": {"type": "array", "items": {"type": "array"}, "minItems": 1},
          "next": {"$ref": "#/$defs/tree"}}, "required": ["value"]}}, "$ref": "#/$defs/tree"}""");
    TokenConstraint constraint = PIECES_COMPILER.jsonSchema(schema, true);
    StringBuilder answer = new StringBuilder();
    // Goes down for as long as it may, and then ends what it has begun.
    String first = "{\"value\":[[]]";
    assertThat(feed(constraint, first)).isTrue();
    answer.append(first);
    for (String piece : List.of(",\"next\":" + first, "}")) {
      while (feed(constraint, piece)) {
        answer.append(piece);
      }
    }
    assertThat(constraint.mayEnd()).as(answer.toString()).isTrue();
    new SchemaCheck(schema).assertValid(answer.toString());
    assertThat(answer.toString().split("next", -1)).hasSizeBetween(60, 64);
  }

  /** Feeds bytes while they are allowed at the first one; a piece is never left half-way. */
  private static boolean feed(TokenConstraint constraint, String piece) {
    for (int i = 0; i < piece.length(); i++) {
      int id = piece.charAt(i) + 2;
      if (!constraint.allowed().get(id)) {
        assertThat(i).as("inside %s", piece).isZero();
        return false;
      }
      constraint.accept(id);
    }
    return true;
  }

  @Test
  void anAnswerThatIsCutOffIsNotValid() {
    JsonNode schema = json(
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"array\"}},"
            + "\"required\":[\"a\",\"b\"]}");
    TokenConstraint constraint = COMPILER.jsonSchema(schema, false);
    String whole = "{\"a\":12,\"b\":[1,{}]}";
    for (int i = 0; i < whole.length(); i++) {
      assertThat(constraint.mayEnd()).isFalse();
      constraint.accept(whole.charAt(i));
    }
    assertThat(constraint.mayEnd()).isTrue();
    assertThat(constraint.allowed().isEmpty()).isTrue();
  }

  @Test
  void numbersMayEndAndGoOn() {
    TokenConstraint constraint = COMPILER.jsonSchema(json("{\"type\":\"integer\"}"), false);
    constraint.accept('1');
    assertThat(constraint.mayEnd()).isTrue();
    assertThat(constraint.allowed().get('2')).isTrue();
    assertThat(constraint.allowed().get('.')).isFalse();
  }

  @Test
  void aTokenThatIsNotAllowedIsNotTaken() {
    TokenConstraint constraint = PIECES_COMPILER.jsonObject();
    assertThatThrownBy(() -> constraint.accept('[' + 2)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> constraint.accept(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> constraint.accept(-1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> constraint.accept(1 << 20)).isInstanceOf(IllegalArgumentException.class);
    assertThat(constraint.allowed().get('{' + 2)).isTrue();
  }

  @Test
  void masksSayExactlyWhatCanBeTaken() {
    JsonNode schema = json(
        """
            {"type":"object","properties":{"name":{"type":"string","maxLength":4},"n":{"anyOf":[{"type":"integer"},{"$ref":"#"}]},
            "items":{"type":"array","items":{"type":["number","null"]}}}}""");
    Random random = new Random(11);
    for (int round = 0; round < 40; round++) {
      TokenConstraint constraint = round % 2 == 0
          ? PIECES_COMPILER.jsonSchema(schema, false)
          : PIECES_COMPILER.jsonObject();
      StringBuilder taken = new StringBuilder();
      for (int i = 0; i < 25 && !constraint.allowed().isEmpty(); i++) {
        BitSet allowed = constraint.allowed();
        int[] ids = allowed.stream().toArray();
        for (int trial = 0; trial < 20; trial++) {
          int id = random.nextInt(PIECES.vocabulary());
          assertThat(canTake(schema, round, taken.toString(), id)).as("%s then %d", taken, id)
              .isEqualTo(allowed.get(id));
        }
        int id = ids[random.nextInt(ids.length)];
        constraint.accept(id);
        taken.append(new String(PIECES.token(id), StandardCharsets.ISO_8859_1));
      }
    }
  }

  /** Byte by byte, without masks. */
  private static boolean canTake(JsonNode schema, int round, String before, int id) {
    byte[] token = PIECES.token(id);
    TokenConstraint constraint = round % 2 == 0 ? COMPILER.jsonSchema(schema, false) : COMPILER.jsonObject();
    for (byte b : before.getBytes(StandardCharsets.ISO_8859_1)) {
      constraint.accept(b & 0xFF);
    }
    try {
      for (byte b : token) {
        constraint.accept(b & 0xFF);
      }
      return token.length > 0;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  @Test
  void strictObjectsHaveNoOtherProperties() {
    JsonNode schema = json("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}");
    assertThat(accepts(COMPILER.jsonSchema(schema, false), "{\"a\":1,\"b\":2}")).isTrue();
    assertThat(accepts(COMPILER.jsonSchema(schema, true), "{\"a\":1,\"b\":2}")).isFalse();
    assertThat(accepts(COMPILER.jsonSchema(schema, true), "{\"a\":1}")).isTrue();
    assertThat(accepts(COMPILER.jsonSchema(schema, true), "{}")).isTrue();
  }

  @Test
  void nullableAddsNull() {
    JsonNode schema = json("{\"type\":\"string\",\"nullable\":true}");
    assertThat(accepts(COMPILER.jsonSchema(schema, false), "null")).isTrue();
    assertThat(accepts(COMPILER.jsonSchema(schema, false), "\"a\"")).isTrue();
    assertThat(accepts(COMPILER.jsonSchema(schema, false), "1")).isFalse();
  }

  @Test
  void declaredNamesComeOnceAndInOrder() {
    JsonNode schema = json(
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"integer\"}}}");
    assertThat(accepts(COMPILER.jsonSchema(schema, false), "{\"a\":1,\"b\":2,\"c\":3}")).isTrue();
    for (String text : List.of("{\"b\":1,\"a\":2}", "{\"a\":1,\"a\":2}", "{\"c\":1,\"a\":2}", "{\"\\u0061\":1}")) {
      assertThat(accepts(COMPILER.jsonSchema(schema, false), text)).as(text).isFalse();
    }
  }

  @Test
  void ambiguityDoesNotGrowWithDepth() {
    JsonNode schema = json("""
        {"$defs":{"n":{"anyOf":[
          {"type":"object","properties":{"next":{"$ref":"#/$defs/n"},"a":{"const":1}},"additionalProperties":false},
          {"type":"object","properties":{"next":{"$ref":"#/$defs/n"},"b":{"const":1}},"additionalProperties":false},
          {"type":"object","properties":{"next":{"$ref":"#/$defs/n"},"c":{"const":1}},"additionalProperties":false}]}},
         "$ref":"#/$defs/n"}""");
    String text = "{\"next\":".repeat(60) + "{\"b\":1}" + ",\"c\":1}".repeat(60);
    assertThat(accepts(COMPILER.jsonSchema(schema, false), text)).isTrue();
  }
}
