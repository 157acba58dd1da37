package io.expertmesh.engine.constraint;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** What a conjunction says about the items of an array. The older writing, an array in {@code items}, is understood. */
final class ArrayShape {
  private ArrayShape() {}

  /** Number of leading items that have a schema of their own. */
  static int places(SchemaPart part) {
    String keyword = tuple(part);
    return part.has(keyword) ? part.value(keyword).size() : 0;
  }

  private static String tuple(SchemaPart part) {
    if (part.has("prefixItems") && !part.value("prefixItems").isArray()) {
      throw part.wrong("prefixItems", "must be an array of schemas");
    }
    return part.value("items").isArray() ? "items" : "prefixItems";
  }

  /** What the item at {@code index} must satisfy. */
  static List<SchemaPart> item(Conjunction schema, int index) {
    List<SchemaPart> schemas = new ArrayList<>();
    for (SchemaPart part : schema.parts()) {
      String rest = part.value("items").isArray() ? "additionalItems" : "items";
      if (index < places(part)) {
        schemas.add(part.at(tuple(part), index));
      } else if (part.has(rest)) {
        schemas.add(part.at(rest));
      } else if (part.has("unevaluatedItems")) {
        if (part.has("$ref") || part.has("allOf") || part.has("anyOf") || part.has("oneOf")) {
          throw part.unsupported("unevaluatedItems", "beside $ref, allOf, anyOf or oneOf; use items");
        }
        schemas.add(part.at("unevaluatedItems"));
      }
    }
    return schemas;
  }

  /** Refuses uniqueItems unless it holds by itself. */
  static void checkUnique(Conjunction schema, int maxItems) {
    for (SchemaPart part : schema.parts()) {
      JsonNode unique = part.value("uniqueItems");
      if (!unique.isMissingNode() && !unique.isBoolean()) {
        throw part.wrong("uniqueItems", "must be true or false, but is " + unique);
      }
      if (unique.asBoolean(false) && maxItems > 1) {
        throw part.unsupported("uniqueItems", "leave it out and remove repeated items from the answer");
      }
    }
  }
}
