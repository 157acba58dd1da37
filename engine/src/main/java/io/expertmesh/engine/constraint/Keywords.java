package io.expertmesh.engine.constraint;

import java.util.Map;
import java.util.Set;

/** The keywords of JSON Schema 2020-12 and its relatives, by what is done with them. None is ignored in silence. */
final class Keywords {
  static final Set<String> OBJECT = Set.of("properties", "required", "additionalProperties", "patternProperties",
      "propertyNames", "minProperties", "maxProperties", "unevaluatedProperties");
  static final Set<String> ARRAY = Set.of("items", "prefixItems", "additionalItems", "minItems", "maxItems",
      "uniqueItems", "unevaluatedItems");
  static final Set<String> STRING = Set.of("minLength", "maxLength", "pattern", "format");
  static final Set<String> NUMBER = Set.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf");

  private static final Set<String> ANY_TYPE = Set.of("type", "enum", "const", "nullable", "$ref", "allOf", "anyOf",
      "oneOf");
  /** Say nothing about which values are valid. */
  private static final Set<String> ANNOTATIONS = Set.of("title", "description", "default", "example", "examples",
      "deprecated", "readOnly", "writeOnly", "$schema", "$comment", "$defs", "definitions", "$anchor", "discriminator",
      "externalDocs", "xml", "contentEncoding", "contentMediaType", "contentSchema", "$vocabulary");
  private static final Map<String, String> INSTEAD = Map.of(
      "not", "say what is allowed, for instance with enum or pattern",
      "if", "use anyOf with one branch for each case",
      "then", "use anyOf with one branch for each case",
      "else", "use anyOf with one branch for each case",
      "dependentRequired", "use anyOf with one branch for each case",
      "dependentSchemas", "use anyOf with one branch for each case",
      "dependencies", "use anyOf with one branch for each case",
      "contains", "put what must be there first with prefixItems",
      "$dynamicRef", "use $ref",
      "$recursiveRef", "use $ref");

  private Keywords() {}

  /** Refuses {@code part} if it has a keyword that could make a difference and is not known. */
  static void check(SchemaPart part) {
    for (String keyword : part.node().propertyNames()) {
      boolean known = OBJECT.contains(keyword) || ARRAY.contains(keyword) || STRING.contains(keyword)
          || NUMBER.contains(keyword) || ANY_TYPE.contains(keyword) || ANNOTATIONS.contains(keyword)
          || keyword.startsWith("x-") || (keyword.equals("$id") && part.path().equals("#"));
      if (!known) {
        throw part.unsupported(keyword, INSTEAD.getOrDefault(keyword, "leave it out or express it otherwise"));
      }
    }
  }

  static boolean hasAny(SchemaPart part, Set<String> keywords) {
    for (String keyword : part.node().propertyNames()) {
      if (keywords.contains(keyword)) {
        return true;
      }
    }
    return false;
  }
}
