package io.expertmesh.engine.constraint;

import io.expertmesh.engine.constraint.RegexParser.UnsupportedPatternException;
import io.expertmesh.model.failure.FailureException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.BooleanNode;

/** What a conjunction says about the properties of an object. */
final class ObjectShape {
  private final Conjunction schema;
  private final boolean closed;
  private final Map<String, Dfa> patterns = new LinkedHashMap<>();

  /** @param strict whether an object schema that does not speak of additional properties has none */
  ObjectShape(Conjunction schema, boolean strict) {
    this.schema = schema;
    boolean mentioned = false;
    boolean described = false;
    for (SchemaPart part : schema.parts()) {
      mentioned |= part.has("additionalProperties") || part.has("unevaluatedProperties");
      described |= part.has("type") || part.has("properties");
      checkKinds(part);
      if (part.has("patternProperties")) {
        for (String pattern : part.value("patternProperties").propertyNames()) {
          patterns.put(pattern, compile(part, pattern));
        }
      }
    }
    closed = strict && described && !mentioned;
  }

  private static Dfa compile(SchemaPart part, String pattern) {
    try {
      return Nfa.compile(RegexParser.parse(pattern));
    } catch (UnsupportedPatternException | GrammarTooLargeException e) {
      throw part.unsupported("patternProperties", String.valueOf(e.getMessage()));
    }
  }

  private static void checkKinds(SchemaPart part) {
    for (String keyword : List.of("properties", "patternProperties")) {
      if (part.has(keyword) && !part.value(keyword).isObject()) {
        throw part.wrong(keyword, "must be an object");
      }
    }
    if (part.has("unevaluatedProperties") && !part.value("unevaluatedProperties").equals(BooleanNode.TRUE)
        && (part.has("$ref") || part.has("allOf") || part.has("anyOf") || part.has("oneOf"))) {
      throw part.unsupported("unevaluatedProperties", "beside $ref, allOf, anyOf or oneOf; name the properties and use"
          + " additionalProperties");
    }
  }

  /** Names that the schema speaks of, in its order. */
  Set<String> names() {
    Set<String> names = new LinkedHashSet<>();
    for (SchemaPart part : schema.parts()) {
      names.addAll(part.value("properties").propertyNames());
    }
    names.addAll(required());
    for (String name : names) {
      if (!Literals.isText(name)) {
        throw FailureException.invalidParameter("response_format",
            "The schema at " + schema.path() + " has a property name with half a surrogate pair.");
      }
    }
    return names;
  }

  Set<String> required() {
    Set<String> required = new LinkedHashSet<>();
    for (SchemaPart part : schema.parts()) {
      if (part.has("required")) {
        JsonNode names = part.value("required");
        if (!names.isArray() || names.valueStream().anyMatch(name -> !name.isString())) {
          throw part.wrong("required", "must be an array of property names");
        }
        names.values().forEach(name -> required.add(name.stringValue()));
      }
    }
    return required;
  }

  /** Patterns of property names, with their automata. */
  Map<String, Dfa> patterns() {
    return patterns;
  }

  /** What the value of property {@code name} must satisfy. */
  List<SchemaPart> property(String name) {
    byte[] text = JsonText.unquoted(name).getBytes(StandardCharsets.UTF_8);
    List<SchemaPart> schemas = new ArrayList<>();
    for (SchemaPart part : schema.parts()) {
      boolean evaluated = false;
      if (part.value("properties").has(name)) {
        schemas.add(part.at("properties", name));
        evaluated = true;
      }
      for (Map.Entry<String, Dfa> pattern : patterns.entrySet()) {
        if (part.value("patternProperties").has(pattern.getKey()) && pattern.getValue().accepts(text)) {
          schemas.add(part.at("patternProperties", pattern.getKey()));
          evaluated = true;
        }
      }
      if (!evaluated) {
        addAdditional(part, schemas);
      }
    }
    return closed ? orNothing(schemas, names().contains(name)) : schemas;
  }

  /** What the value of a property must satisfy whose name only {@code pattern} matches. */
  List<SchemaPart> matching(String pattern) {
    List<SchemaPart> schemas = new ArrayList<>();
    for (SchemaPart part : schema.parts()) {
      if (part.value("patternProperties").has(pattern)) {
        schemas.add(part.at("patternProperties", pattern));
      } else {
        addAdditional(part, schemas);
      }
    }
    return schemas;
  }

  /** What the value of a property must satisfy that the schema does not speak of. */
  List<SchemaPart> additional() {
    List<SchemaPart> schemas = new ArrayList<>();
    for (SchemaPart part : schema.parts()) {
      addAdditional(part, schemas);
    }
    return orNothing(schemas, !closed);
  }

  private List<SchemaPart> orNothing(List<SchemaPart> schemas, boolean allowed) {
    if (!allowed) {
      schemas.add(new SchemaPart(BooleanNode.FALSE, schema.path() + "/additionalProperties"));
    }
    return schemas;
  }

  private static void addAdditional(SchemaPart part, List<SchemaPart> schemas) {
    for (String keyword : List.of("additionalProperties", "unevaluatedProperties")) {
      if (part.has(keyword)) {
        schemas.add(part.at(keyword));
        return;
      }
    }
  }
}
