package io.expertmesh.engine.constraint;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Which names properties may have, beyond the declared ones: automata over the names in canonical writing. */
final class PropertyNames {
  private final Conjunction schema;
  /** What propertyNames allows; null if everything. */
  private final @Nullable Dfa restriction;

  /** Names that are treated alike: those that match {@code pattern}, or, if it is null, no pattern. */
  record Group(@Nullable String pattern) {}

  PropertyNames(Conjunction schema, SchemaExpander expander) {
    this.schema = schema;
    List<SchemaPart> parts = new ArrayList<>();
    for (SchemaPart part : schema.parts()) {
      if (part.has("propertyNames")) {
        parts.add(part.at("propertyNames"));
      }
    }
    if (parts.isEmpty()) {
      restriction = null;
      return;
    }
    List<Expr> options = new ArrayList<>();
    for (Conjunction alternative : expander.expand(parts)) {
      options.add(new Expr.Automaton(allowed(alternative)));
    }
    restriction = Nfa.compile(new Expr.Choice(options));
  }

  private static Dfa allowed(Conjunction schema) {
    List<JsonNode> literals = schema.literals();
    if (literals == null) {
      return schema.types().contains(JsonType.STRING) ? StringFacets.of(schema).content() : Nfa.compile(Expr.NOTHING);
    }
    List<Expr> names = new ArrayList<>();
    for (JsonNode literal : literals) {
      if (literal.isString() && Literals.fits(literal, schema)) {
        names.add(Expr.text(JsonText.unquoted(literal.stringValue())));
      }
    }
    return Nfa.compile(new Expr.Choice(names));
  }

  boolean allows(String name) {
    return restriction == null || restriction.accepts(JsonText.unquoted(name).getBytes(StandardCharsets.UTF_8));
  }

  /** The names that are not declared, in groups that exclude one another. */
  Map<Group, Dfa> groups(ObjectShape shape) {
    List<Expr> declared = new ArrayList<>();
    for (String name : shape.names()) {
      declared.add(Expr.text(JsonText.unquoted(name)));
    }
    Dfa free = Nfa.compile(Expr.any(JsonText.CHARACTER)).minus(Nfa.compile(new Expr.Choice(declared)));
    if (restriction != null) {
      free = free.and(restriction);
    }
    Map<Group, Dfa> groups = new LinkedHashMap<>();
    Dfa rest = free;
    for (Map.Entry<String, Dfa> pattern : shape.patterns().entrySet()) {
      for (Map.Entry<Group, Dfa> other : groups.entrySet()) {
        if (!other.getValue().and(pattern.getValue()).isEmpty()) {
          throw schema.partWith("patternProperties").unsupported("patternProperties", "'" + other.getKey().pattern()
              + "' and '" + pattern.getKey() + "' match the same names; make the patterns exclude one another");
        }
      }
      groups.put(new Group(pattern.getKey()), free.and(pattern.getValue()));
      rest = rest.minus(pattern.getValue());
    }
    groups.put(new Group(null), rest);
    return groups;
  }
}
