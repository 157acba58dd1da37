package io.expertmesh.engine.constraint;

import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The types of JSON Schema; its "number" is {@link #INTEGER} and {@link #FRACTION} together. */
enum JsonType {
  NULL, BOOLEAN, OBJECT, ARRAY, STRING, INTEGER, FRACTION;

  static Set<JsonType> all() {
    return EnumSet.allOf(JsonType.class);
  }

  /** What {@code name} stands for in a schema's {@code type}; null if there is no such type. */
  static @Nullable Set<JsonType> named(String name) {
    return switch (name) {
      case "null" -> EnumSet.of(NULL);
      case "boolean" -> EnumSet.of(BOOLEAN);
      case "object" -> EnumSet.of(OBJECT);
      case "array" -> EnumSet.of(ARRAY);
      case "string" -> EnumSet.of(STRING);
      case "integer" -> EnumSet.of(INTEGER);
      case "number" -> EnumSet.of(INTEGER, FRACTION);
      default -> null;
    };
  }

  static JsonType of(JsonNode value) {
    return switch (value.getNodeType()) {
      case NULL -> NULL;
      case BOOLEAN -> BOOLEAN;
      case OBJECT -> OBJECT;
      case ARRAY -> ARRAY;
      case NUMBER -> value.decimalValue().stripTrailingZeros().scale() <= 0 ? INTEGER : FRACTION;
      default -> STRING;
    };
  }
}
