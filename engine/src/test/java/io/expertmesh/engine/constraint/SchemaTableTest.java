package io.expertmesh.engine.constraint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/** Every schema of {@code schemas.json}, with values that it allows and values that it does not. */
class SchemaTableTest {
  private static final TokenTrie BYTES = Vocabularies.bytes();
  private static final TokenTrie PIECES = Vocabularies.pieces(1, 1500);
  private static final TokenTrie DEMO = TokenTrie.of(Vocabularies.demo());
  private static final List<TokenTrie> VOCABULARIES = List.of(BYTES, PIECES, DEMO);
  private static final List<ConstraintCompiler> COMPILERS = VOCABULARIES.stream().map(ConstraintCompiler::new).toList();

  static Stream<JsonNode> table() {
    InputStream file = SchemaTableTest.class.getResourceAsStream("/constraint/schemas.json");
    return SchemaCheck.JSON.readTree(file).valueStream();
  }

  static Stream<String> names() {
    return table().map(row -> row.get("name").stringValue());
  }

  private static JsonNode row(String name) {
    return table().filter(row -> row.get("name").stringValue().equals(name)).findFirst().orElseThrow();
  }

  @ParameterizedTest
  @MethodSource("names")
  void randomAnswersAreValid(String name) {
    JsonNode schema = row(name).get("schema");
    SchemaCheck check = new SchemaCheck(schema);
    Random random = new Random(name.hashCode());
    for (int v = 0; v < VOCABULARIES.size(); v++) {
      RandomAnswers answers = new RandomAnswers(VOCABULARIES.get(v), random);
      for (int i = 0; i < 10; i++) {
        check.assertValid(answers.draw(COMPILERS.get(v).jsonSchema(schema, false)));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("names")
  void validValuesAreAccepted(String name) {
    JsonNode row = row(name);
    SchemaCheck check = new SchemaCheck(row.get("schema"));
    Random random = new Random(7);
    for (JsonNode value : row.get("valid").values()) {
      assertThat(check.isValid(value)).as("the table itself: %s", value).isTrue();
      List<String> writings = row.path("compactOnly").asBoolean(false)
          ? List.of(JsonValues.write(value))
          : writings(value);
      for (int v = 0; v < VOCABULARIES.size(); v++) {
        RandomAnswers answers = new RandomAnswers(VOCABULARIES.get(v), random);
        for (String writing : writings) {
          for (int i = 0; i < 3; i++) {
            assertThat(answers.accepts(COMPILERS.get(v).jsonSchema(row.get("schema"), false), writing)).as(writing)
                .isTrue();
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("names")
  void invalidValuesCannotBeWritten(String name) {
    JsonNode row = row(name);
    SchemaCheck check = new SchemaCheck(row.get("schema"));
    Random random = new Random(7);
    for (JsonNode value : row.get("invalid").values()) {
      assertThat(check.isValid(value)).as("the table itself: %s", value).isFalse();
      for (String writing : writings(value)) {
        for (int v = 0; v < VOCABULARIES.size(); v++) {
          RandomAnswers answers = new RandomAnswers(VOCABULARIES.get(v), random);
          assertThat(answers.accepts(COMPILERS.get(v).jsonSchema(row.get("schema"), false), writing)).as(writing)
              .isFalse();
        }
      }
    }
  }

  /** Compact, with single spaces, and in lines with indents of 2 and 4. */
  private static List<String> writings(JsonNode value) {
    List<String> writings = new ArrayList<>();
    writings.add(JsonValues.write(value));
    writings.add(JsonWriting.spaced(value));
    writings.add(JsonWriting.indented(value, 2));
    writings.add(JsonWriting.indented(value, 4));
    return writings;
  }
}
