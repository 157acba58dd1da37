package io.expertmesh.engine.constraint;

import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** Proves that no value satisfies two schemas at once, which makes a oneOf the same as an anyOf. */
final class Disjointness {
  private static final int MAX_DEPTH = 4;

  private final SchemaExpander expander;

  Disjointness(SchemaExpander expander) {
    this.expander = expander;
  }

  /** Whether no value satisfies one of {@code first} and one of {@code second}. */
  boolean allProven(List<Conjunction> first, List<Conjunction> second, int depth) {
    for (Conjunction a : first) {
      for (Conjunction b : second) {
        if (!proven(a, b, depth)) {
          return false;
        }
      }
    }
    return true;
  }

  private boolean proven(Conjunction a, Conjunction b, int depth) {
    if (noLiteralFits(a, b) || noLiteralFits(b, a)) {
      return true;
    }
    Set<JsonType> common = EnumSet.copyOf(a.types());
    common.retainAll(b.types());
    for (JsonType type : common) {
      boolean apart = switch (type) {
        case OBJECT -> depth < MAX_DEPTH && objects(a, b, depth);
        case STRING -> StringFacets.of(a).content().and(StringFacets.of(b).content()).isEmpty();
        case INTEGER, FRACTION -> NumberFacets.of(a).isApartFrom(NumberFacets.of(b));
        case NULL, BOOLEAN, ARRAY -> false;
      };
      if (!apart) {
        return false;
      }
    }
    return true;
  }

  private static boolean noLiteralFits(Conjunction a, Conjunction b) {
    List<JsonNode> values = a.literals();
    if (values == null) {
      return false;
    }
    List<JsonNode> others = b.literals();
    for (JsonNode value : values) {
      boolean fits = others == null
          ? b.types().contains(JsonType.of(value)) && (value.isContainer() || Literals.fits(value, b))
          : others.stream().anyMatch(other -> JsonValues.same(value, other));
      if (fits) {
        return false;
      }
    }
    return true;
  }

  /** Whether a property that must be there cannot satisfy both. */
  private boolean objects(Conjunction a, Conjunction b, int depth) {
    ObjectShape first = new ObjectShape(a, false);
    ObjectShape second = new ObjectShape(b, false);
    Set<String> required = new LinkedHashSet<>(first.required());
    required.addAll(second.required());
    for (String name : required) {
      List<SchemaPart> one = first.property(name);
      List<SchemaPart> other = second.property(name);
      if (!isRecursive(one, a) && !isRecursive(other, b)
          && allProven(expander.expand(one), expander.expand(other), depth + 1)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isRecursive(List<SchemaPart> property, Conjunction owner) {
    return Conjunction.key(property).equals(owner.key());
  }
}
