package io.expertmesh.gateway.openai;

import io.expertmesh.gateway.http.ApiException;
import io.expertmesh.gateway.http.JsonFields;
import tools.jackson.databind.JsonNode;

/** What an answer must look like. */
sealed interface ResponseFormat {
  /** Any text. */
  record Text() implements ResponseFormat {}

  /** A JSON object. */
  record JsonObject() implements ResponseFormat {}

  /**
   * JSON that a schema accepts.
   *
   * @param strict whether objects have only the properties that the schema names
   */
  record JsonSchema(JsonNode schema, boolean strict) implements ResponseFormat {}

  static ResponseFormat read(JsonFields fields) {
    JsonFields format = fields.object("response_format");
    if (format == null) {
      return new Text();
    }
    String type = format.string("type");
    ResponseFormat result = switch (type) {
      case "text" -> new Text();
      case "json_object" -> new JsonObject();
      case "json_schema" -> schema(format);
      case null, default -> throw ApiException.invalid(format.at("type"),
          "'%s' is '%s'; it must be text, json_object or json_schema.".formatted(format.at("type"), type));
    };
    format.end();
    return result;
  }

  private static JsonSchema schema(JsonFields format) {
    JsonFields described = format.object("json_schema");
    JsonNode schema = described == null ? null : described.any("schema");
    if (described == null || schema == null) {
      throw ApiException.invalid("response_format.json_schema.schema",
          "'response_format.json_schema.schema' is missing.");
    }
    boolean strict = described.bool("strict", false);
    described.harmless("name", "description");
    described.end();
    if (!schema.isObject() && !schema.isBoolean()) {
      throw JsonFields.wrongType("response_format.json_schema.schema", "a JSON Schema", schema);
    }
    return new JsonSchema(schema, strict);
  }
}
