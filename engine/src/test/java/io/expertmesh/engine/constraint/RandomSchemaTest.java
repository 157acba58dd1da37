package io.expertmesh.engine.constraint;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.model.failure.FailureException;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.node.ObjectNode;

/** Schemas nobody thought of: each compiles or allows nothing, and every answer to it is valid. */
class RandomSchemaTest {
  private static final int SCHEMAS = 300;
  private static final TokenTrie VOCABULARY = Vocabularies.pieces(2, 1500);
  private static final ConstraintCompiler COMPILER = new ConstraintCompiler(VOCABULARY);
  private static int compiled;

  static IntStream seeds() {
    return IntStream.range(0, SCHEMAS);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void answersAreValid(int seed) {
    ObjectNode schema = new RandomSchemas(seed).next();
    try {
      COMPILER.jsonSchema(schema, false);
    } catch (FailureException e) {
      assertThat(e).hasMessageStartingWith("The schema allows no value");
      return;
    }
    compiled++;
    SchemaCheck check = new SchemaCheck(schema);
    RandomAnswers answers = new RandomAnswers(VOCABULARY, new Random(seed));
    for (int i = 0; i < 6; i++) {
      check.assertValid(answers.draw(COMPILER.jsonSchema(schema, false)));
    }
  }

  @AfterAll
  static void almostAllCompile() {
    assertThat(compiled).isGreaterThan(SCHEMAS * 9 / 10);
  }
}
