package io.expertmesh.engine.constraint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.expertmesh.model.failure.FailureException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** What cannot be promised is refused with its keyword and its place, and nothing is ignored. */
class RefusedSchemaTest {
  private static final ConstraintCompiler COMPILER = new ConstraintCompiler(Vocabularies.bytes());

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      value = {
          "{\"not\":{\"type\":\"string\"}} ; 'not' at # ",
          "{\"type\":\"object\",\"properties\":{\"a\":{\"if\":{},\"then\":{}}}} ; 'if' at #/properties/a ",
          "{\"type\":\"array\",\"contains\":{\"const\":1}} ; 'contains' at # ",
          "{\"type\":\"array\",\"items\":{\"type\":\"array\",\"uniqueItems\":true}} ; 'uniqueItems' at #/items ",
          "{\"dependentRequired\":{\"a\":[\"b\"]}} ; 'dependentRequired' at # ",
          "{\"dependentSchemas\":{}} ; 'dependentSchemas' at # ",
          "{\"type\":\"string\",\"minimun\":1} ; 'minimun' at # ",
          "{\"type\":\"object\",\"minProperties\":3} ; 'minProperties' at # ",
          "{\"type\":\"string\",\"pattern\":\"(a)\\\\1\"} ; 'pattern' at # ",
          "{\"type\":\"string\",\"pattern\":\"a(?=b)\"} ; 'pattern' at # ",
          "{\"type\":\"string\",\"pattern\":\"\\\\bword\\\\b\"} ; 'pattern' at # ",
          "{\"type\":\"string\",\"pattern\":\"\\\\p{L}\"} ; 'pattern' at # ",
          "{\"type\":\"string\",\"pattern\":\"a^b\"} ; 'pattern' at # ",
          "{\"type\":\"string\",\"pattern\":\"(a$|b)\"} ; 'pattern' at # ",
          "{\"type\":\"string\",\"pattern\":\"[z-a]\"} ; 'pattern' at # ",
          "{\"type\":\"string\",\"pattern\":\"(ab\"} ; 'pattern' at # ",
          "{\"type\":\"string\",\"pattern\":\"ab)\"} ; 'pattern' at # ",
          "{\"type\":\"string\",\"pattern\":\"a{2,1}\"} ; 'pattern' at # ",
          "{\"type\":\"string\",\"pattern\":\"*a\"} ; 'pattern' at # ",
          "{\"type\":\"string\",\"pattern\":\"(x|y)*x(x|y){30}$\"} ; 'pattern' at # is not supported: it needs more than",
          "{\"type\":\"string\",\"pattern\":1} ; 'pattern' at # must be a string",
          "{\"type\":\"string\",\"minLength\":-1} ; 'minLength' at # must be a whole number",
          "{\"type\":\"string\",\"minLength\":1.5} ; 'minLength' at # must be a whole number",
          "{\"type\":\"string\",\"minLength\":20000} ; 'minLength' at # ",
          "{\"type\":\"array\",\"minItems\":20000} ; 'minItems' at # ",
          "{\"type\":\"integer\",\"multipleOf\":1001} ; 'multipleOf' at # ",
          "{\"type\":\"number\",\"multipleOf\":0.3} ; 'multipleOf' at # ",
          "{\"type\":\"number\",\"multipleOf\":0} ; 'multipleOf' at # must be greater than 0",
          "{\"type\":\"number\",\"exclusiveMinimum\":true} ; 'exclusiveMinimum' at # must be a number",
          "{\"type\":\"number\",\"minimum\":1e999999999} ; 'minimum' at # ",
          "{\"type\":\"text\"} ; 'type' at # must name JSON types",
          "{\"enum\":3} ; 'enum' at # must be an array",
          "{\"enum\":[]} ; allows no value",
          "{\"anyOf\":[]} ; 'anyOf' at # must be an array",
          "{\"anyOf\":[3]} ; at #/anyOf/0 must be a schema",
          "{\"required\":true} ; 'required' at # must be an array",
          "{\"properties\":[]} ; 'properties' at # must be an object",
          "{\"$ref\":\"#\"} ; 'back to itself'",
          "{\"$defs\":{\"a\":{\"anyOf\":[{\"$ref\":\"#/$defs/a\"},{\"type\":\"null\"}]}},\"$ref\":\"#/$defs/a\"} ; back to itself",
          "{\"$ref\":\"#/$defs/none\"} ; nothing at that place",
          "{\"$ref\":\"https://example.com/schema\"} ; '$ref' at # ",
          "{\"$ref\":\"#name\"} ; '$ref' at # ",
          "{\"items\":{\"$id\":\"x\"}} ; '$id' at #/items ",
          "{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]} ; 'oneOf' at # ",
          "{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"a\":{}}},{\"type\":\"object\"}]} ; 'oneOf' at # ",
          "{\"patternProperties\":{\"^a\":{},\"b$\":{}}} ; 'patternProperties' at # ",
          "{\"allOf\":[{\"properties\":{\"a\":{}}}],\"unevaluatedProperties\":false} ; 'unevaluatedProperties' at # ",
          "{\"type\":\"integer\",\"minimum\":3,\"maximum\":2} ; allows no value",
          "{\"allOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}]} ; allows no value",
          "{\"type\":\"object\",\"properties\":{\"a\":false},\"required\":[\"a\"]} ; allows no value",
          "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]} ; allows no value",
          "{\"required\":[\"\\ud800\"]} ; half a surrogate pair",
          "{\"const\":\"\\ud800\"} ; allows no value",
          "false ; allows no value",
          "3 ; must be a schema",
          "\"string\" ; must be a schema"})
  void isRefused(String schema, String message) {
    JsonNode node = SchemaCheck.JSON.readTree(schema);
    FailureException failure = catchThrowableOfType(FailureException.class, () -> COMPILER.jsonSchema(node, false));
    assertThat(failure).as(schema).isNotNull();
    assertThat(failure.parameter()).isEqualTo("response_format");
    assertThat(failure).hasMessageContaining(message.strip().replace("'back to itself'", "back to itself"));
  }

  @Test
  void tooManyOptionalPropertiesAreRefused() {
    StringBuilder properties = new StringBuilder();
    for (int i = 0; i < 2000; i++) {
      properties.append(i == 0 ? "" : ",").append("\"property_with_a_long_name_").append(i).append("\":{}");
    }
    JsonNode schema = SchemaCheck.JSON.readTree("{\"type\":\"object\",\"properties\":{" + properties + "}}");
    FailureException failure = catchThrowableOfType(FailureException.class, () -> COMPILER.jsonSchema(schema, false));
    assertThat(failure).hasMessageContaining("too complex");
  }

  @Test
  void deepAndLargeSchemasAreRefused() {
    JsonNode deep = SchemaCheck.JSON.readTree("{\"items\":".repeat(150) + "{}" + "}".repeat(150));
    assertThat(catchThrowableOfType(FailureException.class, () -> COMPILER.jsonSchema(deep, false))).isNull();
    JsonNode required = SchemaCheck.JSON.readTree("{\"minItems\":1,\"items\":".repeat(80) + "{}" + "}".repeat(80));
    assertThat(catchThrowableOfType(FailureException.class, () -> COMPILER.jsonSchema(required, false)))
        .hasMessageContaining("nests deeper");
    JsonNode large = SchemaCheck.JSON.readTree("{\"enum\":[" + "1,".repeat(60_000) + "1]}");
    assertThat(catchThrowableOfType(FailureException.class, () -> COMPILER.jsonSchema(large, false)))
        .hasMessageContaining("more than 50000 values");
  }

  @Test
  void aVocabularyWithoutBracesCannotWriteObjects() {
    ConstraintCompiler compiler = new ConstraintCompiler(new TokenTrie(100, id -> new byte[]{(byte) id}));
    assertThat(catchThrowableOfType(FailureException.class, compiler::jsonObject)).hasMessageContaining("vocabulary");
  }
}
