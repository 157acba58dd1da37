package io.expertmesh.engine.constraint;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Asks an independent JSON Schema validator. */
final class SchemaCheck {
  static final JsonMapper JSON = JsonMapper.builder()
      .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
      .build();

  private final JsonNode schema;
  private final Schema validator;

  SchemaCheck(JsonNode schema) {
    this.schema = schema;
    validator = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12).getSchema(schema);
  }

  boolean isValid(JsonNode value) {
    return validator.validate(value, context -> context.executionConfig(c -> c.formatAssertionsEnabled(true)))
        .isEmpty();
  }

  void assertValid(String answer) {
    JsonNode value = JSON.readTree(answer);
    assertThat(validator.validate(value, context -> context.executionConfig(c -> c.formatAssertionsEnabled(true))))
        .as("%s against %s", answer, schema).isEmpty();
  }
}
