package io.expertmesh.engine.constraint;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Schemas that a value must all satisfy. References, allOf, anyOf and oneOf have been resolved
 * ({@link SchemaExpander}): only the other keywords of the parts count here.
 */
record Conjunction(List<SchemaPart> parts) {
  /** Tells conjunctions apart. */
  String key() {
    return key(parts);
  }

  static String key(List<SchemaPart> parts) {
    StringBuilder key = new StringBuilder();
    for (SchemaPart part : parts) {
      key.append(part.path()).append('\n');
    }
    return key.toString();
  }

  /** Where the conjunction stands, for messages. */
  String path() {
    return parts.isEmpty() ? "#" : parts.get(0).path();
  }

  boolean hasAny(Set<String> keywords) {
    for (SchemaPart part : parts) {
      if (Keywords.hasAny(part, keywords)) {
        return true;
      }
    }
    return false;
  }

  /**
   * The types that are allowed. Without any {@code type} they follow from the other keywords, if there are some: a schema
   * with properties means objects, although to the letter it would allow everything else, too.
   */
  Set<JsonType> types() {
    Set<JsonType> types = JsonType.all();
    boolean stated = false;
    for (SchemaPart part : parts) {
      if (part.has("type")) {
        types.retainAll(stated(part));
        stated = true;
      }
    }
    if (stated || literals() != null) {
      return types;
    }
    Set<JsonType> implied = EnumSet.noneOf(JsonType.class);
    if (hasAny(Keywords.OBJECT)) {
      implied.add(JsonType.OBJECT);
    }
    if (hasAny(Keywords.ARRAY)) {
      implied.add(JsonType.ARRAY);
    }
    if (hasAny(Keywords.STRING)) {
      implied.add(JsonType.STRING);
    }
    if (hasAny(Keywords.NUMBER)) {
      implied.add(JsonType.INTEGER);
      implied.add(JsonType.FRACTION);
    }
    return implied.isEmpty() ? types : implied;
  }

  private static Set<JsonType> stated(SchemaPart part) {
    JsonNode type = part.value("type");
    Set<JsonType> types = EnumSet.noneOf(JsonType.class);
    for (JsonNode name : type.isArray() ? type.values() : List.of(type)) {
      Set<JsonType> named = name.isString() ? JsonType.named(name.stringValue()) : null;
      if (named == null) {
        throw part.wrong("type", "must name JSON types (null, boolean, object, array, string, integer, number), but is "
            + type);
      }
      types.addAll(named);
    }
    if (part.value("nullable").asBoolean(false)) {
      types.add(JsonType.NULL);
    }
    return types;
  }

  /** The values that {@code enum} and {@code const} leave, before other keywords are looked at; null if neither is there. */
  @Nullable
  List<JsonNode> literals() {
    List<JsonNode> left = null;
    for (SchemaPart part : parts) {
      if (part.has("const")) {
        left = common(left, List.of(part.value("const")));
      }
      if (part.has("enum")) {
        if (!part.value("enum").isArray()) {
          throw part.wrong("enum", "must be an array");
        }
        left = common(left, List.copyOf(part.value("enum").values()));
      }
    }
    return left;
  }

  private static List<JsonNode> common(@Nullable List<JsonNode> left, List<JsonNode> right) {
    if (left == null) {
      return right;
    }
    List<JsonNode> both = new ArrayList<>();
    for (JsonNode value : left) {
      if (right.stream().anyMatch(other -> JsonValues.same(value, other))) {
        both.add(value);
      }
    }
    return both;
  }

  /** The largest value of a count such as {@code minLength}; 0 if no part has it. */
  int largest(String keyword) {
    int largest = 0;
    for (SchemaPart part : parts) {
      Integer count = part.count(keyword);
      largest = count == null ? largest : Math.max(largest, count);
    }
    return largest;
  }

  /** The smallest value of a count such as {@code maxLength}; {@code Integer.MAX_VALUE} if no part has it. */
  int smallest(String keyword) {
    int smallest = Integer.MAX_VALUE;
    for (SchemaPart part : parts) {
      Integer count = part.count(keyword);
      smallest = count == null ? smallest : Math.min(smallest, count);
    }
    return smallest;
  }

  /** A part that has {@code keyword}, to name in a message; there is one. */
  SchemaPart partWith(String keyword) {
    for (SchemaPart part : parts) {
      if (part.has(keyword)) {
        return part;
      }
    }
    throw new IllegalArgumentException(keyword);
  }
}
