package io.expertmesh.engine.constraint;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Resolves $ref, allOf, anyOf and oneOf: turns schemas into a choice of conjunctions of plain schemas. */
final class SchemaExpander {
  private static final int MAX_ALTERNATIVES = 1024;

  private final JsonNode root;
  private final Disjointness disjointness;

  SchemaExpander(JsonNode root) {
    this.root = root;
    this.disjointness = new Disjointness(this);
  }

  /** The schemas on the way to one, so that a reference that leads back without consuming anything is seen. */
  private record Trail(SchemaPart part, @Nullable Trail before) {
    boolean contains(String path) {
      for (Trail at = this; at != null; at = at.before) {
        if (at.part.path().equals(path)) {
          return true;
        }
      }
      return false;
    }
  }

  private record Choice(SchemaPart part, String keyword, Trail trail) {}

  /** What is known while schemas are added. */
  private record Draft(Map<String, SchemaPart> parts, List<Choice> choices) {
    Draft copy() {
      return new Draft(new LinkedHashMap<>(parts), new ArrayList<>(choices));
    }
  }

  /** The conjunctions of which a value must satisfy one in order to satisfy all of {@code schemas}. */
  List<Conjunction> expand(List<SchemaPart> schemas) {
    Draft draft = new Draft(new LinkedHashMap<>(), new ArrayList<>());
    for (SchemaPart schema : schemas) {
      if (!add(draft, schema, null)) {
        return List.of();
      }
    }
    return choose(draft, 0);
  }

  /** Adds a schema; false if it allows nothing. */
  private boolean add(Draft draft, SchemaPart part, @Nullable Trail before) {
    if (part.node().isBoolean()) {
      return part.node().booleanValue();
    }
    if (!part.node().isObject()) {
      throw part.wrong("value", "must be a schema (an object, true or false), but is " + part.node());
    }
    if (before != null && before.contains(part.path())) {
      throw part.unsupported(before.part.has("$ref") ? "$ref" : "anyOf", "it leads back to itself without a property or"
          + " item in between, so that no value can ever be decided");
    }
    Trail trail = new Trail(part, before);
    if (draft.parts.putIfAbsent(part.path(), part) != null) {
      return true;
    }
    Keywords.check(part);
    if (part.has("$ref") && !add(draft, resolve(part), trail)) {
      return false;
    }
    if (part.has("allOf")) {
      for (int i = 0; i < branches(part, "allOf"); i++) {
        if (!add(draft, part.at("allOf", i), trail)) {
          return false;
        }
      }
    }
    for (String keyword : List.of("anyOf", "oneOf")) {
      if (part.has(keyword)) {
        draft.choices.add(new Choice(part, keyword, trail));
      }
    }
    return true;
  }

  private static int branches(SchemaPart part, String keyword) {
    if (!part.value(keyword).isArray() || part.value(keyword).isEmpty()) {
      throw part.wrong(keyword, "must be an array of at least one schema");
    }
    return part.value(keyword).size();
  }

  private List<Conjunction> choose(Draft draft, int next) {
    if (next == draft.choices.size()) {
      return List.of(new Conjunction(List.copyOf(draft.parts.values())));
    }
    Choice choice = draft.choices.get(next);
    SchemaPart part = choice.part;
    int branches = branches(part, choice.keyword);
    List<Conjunction> all = new ArrayList<>();
    for (int i = 0; i < branches; i++) {
      Draft with = draft.copy();
      if (!add(with, part.at(choice.keyword, i), choice.trail)) {
        continue;
      }
      List<Conjunction> alternatives = choose(with, next + 1);
      if (choice.keyword.equals("oneOf") && !disjointness.allProven(all, alternatives, 0)) {
        throw part.unsupported("oneOf",
            "branch " + i + " may match together with an earlier one; use anyOf, or tell the"
                + " branches apart by type, or by a required property with a different const in each");
      }
      all.addAll(alternatives);
      if (all.size() > MAX_ALTERNATIVES) {
        throw part.unsupported(choice.keyword, "together with the schemas around it, it makes more than "
            + MAX_ALTERNATIVES + " combinations");
      }
    }
    return all;
  }

  private SchemaPart resolve(SchemaPart part) {
    String reference = part.text("$ref");
    if (!reference.equals("#") && !reference.startsWith("#/")) {
      throw part.unsupported("$ref", "'" + reference + "' is not a place in this schema, such as #/$defs/name");
    }
    JsonNode node = root;
    StringBuilder path = new StringBuilder("#");
    String[] names = reference.substring(1).split("/", -1);
    for (int i = 1; i < names.length; i++) {
      String name = URLDecoder.decode(names[i].replace("+", "%2B"), StandardCharsets.UTF_8);
      path.append('/').append(name);
      String plain = name.replace("~1", "/").replace("~0", "~");
      node = node.isArray() && plain.matches("\\d{1,9}") ? node.path(Integer.parseInt(plain)) : node.path(plain);
    }
    if (node.isMissingNode()) {
      throw part.wrong("$ref", "is '" + reference + "', but there is nothing at that place");
    }
    return new SchemaPart(node, path.toString());
  }
}
