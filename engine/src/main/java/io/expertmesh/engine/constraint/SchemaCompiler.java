package io.expertmesh.engine.constraint;

import io.expertmesh.engine.constraint.Containers.OpenKey;
import io.expertmesh.engine.constraint.Containers.Property;
import io.expertmesh.engine.constraint.Rule.Rank;
import io.expertmesh.model.failure.FailureException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * Makes a grammar from one JSON schema: a rule for each conjunction of schemas that some place in an answer must satisfy.
 * Equal conjunctions share their rule, which is also how recursive schemas come to an end.
 */
final class SchemaCompiler {
  private static final int MAX_RULES = 20_000;
  private static final long MAX_CELLS = 8_000_000;
  /** Longer limits are taken for this one: answers are shorter than they could be, and valid. */
  private static final int MAX_ITEMS = 4_096;

  private final StandardRules standard;
  private final ByteSet alphabet;
  private final boolean strict;
  private final SchemaExpander expander;
  private final Containers containers;
  private final Map<String, Rule> byKey = new HashMap<>();
  private final List<Rule> rules = new ArrayList<>();
  private final Deque<Runnable> toDefine = new ArrayDeque<>();
  private long cells;

  SchemaCompiler(StandardRules standard, ByteSet alphabet, JsonNode schema, boolean strict) {
    this.standard = standard;
    this.alphabet = alphabet;
    this.strict = strict;
    this.expander = new SchemaExpander(schema);
    this.containers = new Containers(standard.whitespace(), alphabet);
  }

  /** The rule that the whole answer must match. */
  Rule compile(SchemaPart root) {
    try {
      Rule rule = value(List.of(root));
      while (!toDefine.isEmpty()) {
        toDefine.remove().run();
      }
      Linker.link(rules);
      return rule;
    } catch (GrammarTooLargeException e) {
      throw tooLarge("The schema is too complex: " + e.getMessage());
    }
  }

  /** Table entries of all rules that were made. */
  long cells() {
    return cells;
  }

  private Rule value(List<SchemaPart> schemas) {
    String key = Conjunction.key(schemas);
    Rule known = byKey.get(key);
    if (known != null) {
      return known;
    }
    List<Conjunction> alternatives = expander.expand(schemas);
    Rule rule;
    if (alternatives.size() == 1) {
      rule = typed(alternatives.get(0));
    } else {
      Map<String, Rule> distinct = new LinkedHashMap<>();
      for (Conjunction alternative : alternatives) {
        distinct.putIfAbsent(alternative.key(), typed(alternative));
      }
      rule = union(key, Rank.UNION, distinct.values());
    }
    byKey.put(key, rule);
    return rule;
  }

  private Rule union(String name, Rank rank, Iterable<Rule> options) {
    Nfa nfa = new Nfa();
    int start = nfa.state();
    int end = nfa.state();
    for (Rule option : options) {
      nfa.call(start, option, end);
    }
    return define(newRule(name, rank, 0), new SubsetConstruction(nfa, alphabet).run(start, end));
  }

  private Rule typed(Conjunction schema) {
    List<JsonNode> literals = schema.literals();
    if (literals != null) {
      return once(schema, "literal", 0, () -> Nfa.compile(Literals.expression(schema, literals), alphabet));
    }
    Set<JsonType> types = schema.types();
    if (types.contains(JsonType.FRACTION)) {
      types.remove(JsonType.INTEGER);
    }
    List<Rule> options = new ArrayList<>();
    for (JsonType type : types) {
      options.add(ofType(schema, type));
    }
    if (options.size() == 1) {
      return options.get(0);
    }
    String key = schema.key() + " types";
    Rule known = byKey.get(key);
    if (known == null) {
      known = union(key, Rank.TYPE, options);
      byKey.put(key, known);
    }
    return known;
  }

  private Rule ofType(Conjunction schema, JsonType type) {
    return switch (type) {
      case NULL, BOOLEAN -> standard.of(type);
      case STRING -> {
        StringFacets facets = StringFacets.of(schema);
        yield facets.isFree()
            ? standard.of(type)
            : once(schema, "string", 0,
                () -> Nfa.compile(facets.expression(standard.rareCharacter()), alphabet));
      }
      case INTEGER -> NumberFacets.of(schema).isFree()
          ? standard.of(type)
          : once(schema, "integer", 0, () -> Nfa.compile(NumberFacets.of(schema).integers(), alphabet));
      case FRACTION -> NumberFacets.of(schema).isFree()
          ? standard.of(type)
          : once(schema, "number", 0, () -> Nfa.compile(NumberFacets.of(schema).numbers(), alphabet));
      case ARRAY -> schema.hasAny(Keywords.ARRAY) ? once(schema, "array", 1, () -> array(schema)) : standard.of(type);
      case OBJECT -> schema.hasAny(Keywords.OBJECT) || strict
          ? once(schema, "object", 1, () -> object(schema))
          : standard.of(type);
    };
  }

  /** Builds an automaton; what it calls may not be defined yet. */
  private interface Definition {
    Dfa build();
  }

  private Rule once(Conjunction schema, String kind, int weight, Definition definition) {
    String key = schema.key() + " " + kind;
    Rule known = byKey.get(key);
    if (known != null) {
      return known;
    }
    Rule rule = newRule(kind + " at " + schema.path(), Rank.TERMINAL, weight);
    byKey.put(key, rule);
    toDefine.add(() -> {
      try {
        define(rule, definition.build());
      } catch (GrammarTooLargeException e) {
        throw tooLarge("The schema at " + schema.path() + " is too complex: " + e.getMessage());
      }
    });
    return rule;
  }

  private Rule newRule(String name, Rank rank, int weight) {
    if (rules.size() == MAX_RULES) {
      throw tooLarge("The schema needs more than " + MAX_RULES + " rules");
    }
    Rule rule = new Rule(name, rank, weight);
    rules.add(rule);
    return rule;
  }

  private Rule define(Rule rule, Dfa automaton) {
    cells += automaton.table().length;
    if (cells > MAX_CELLS) {
      throw tooLarge("The schema as a whole is too complex");
    }
    return rule.define(automaton);
  }

  private static FailureException tooLarge(String what) {
    return FailureException.invalidParameter("response_format", what
        + ". Make it simpler: fewer optional properties in one object, shorter length limits, simpler patterns.");
  }

  private Dfa array(Conjunction schema) {
    int places = 0;
    for (SchemaPart part : schema.parts()) {
      places = Math.max(places, ArrayShape.places(part));
    }
    int min = schema.largest("minItems");
    int max = schema.smallest("maxItems");
    if (min > MAX_ITEMS) {
      throw schema.partWith("minItems").unsupported("minItems", "up to " + MAX_ITEMS + " items are");
    }
    ArrayShape.checkUnique(schema, max);
    List<Rule> first = new ArrayList<>();
    for (int i = 0; i < Math.min(places, max); i++) {
      first.add(value(ArrayShape.item(schema, i)));
    }
    Rule rest = value(ArrayShape.item(schema, places));
    return containers.array(first, rest, min, max == Integer.MAX_VALUE ? max : Math.min(max, MAX_ITEMS));
  }

  private Dfa object(Conjunction schema) {
    ObjectShape shape = new ObjectShape(schema, strict);
    PropertyNames names = new PropertyNames(schema, expander);
    List<Property> properties = new ArrayList<>();
    for (String name : shape.names()) {
      boolean required = shape.required().contains(name);
      if (names.allows(name)) {
        properties.add(new Property(name, value(shape.property(name)), required));
      } else if (required) {
        return Nfa.compile(Expr.NOTHING);
      }
    }
    List<OpenKey> open = new ArrayList<>();
    for (Map.Entry<PropertyNames.Group, Dfa> group : names.groups(shape).entrySet()) {
      List<SchemaPart> schemas = group.getKey().pattern() == null
          ? shape.additional()
          : shape.matching(group.getKey().pattern());
      Rule rule = value(schemas);
      if (!group.getValue().isEmpty() && !expander.expand(schemas).isEmpty()) {
        open.add(new OpenKey(key(group.getValue()), rule));
      }
    }
    int min = schema.largest("minProperties");
    int max = schema.smallest("maxProperties");
    if (min > properties.size() + (open.isEmpty() ? 0 : 1) && min <= max && !open.isEmpty()) {
      throw schema.partWith("minProperties").unsupported("minProperties",
          "more than the named properties and one, since"
              + " two free names could be the same");
    }
    return containers.object(properties, open, min, max);
  }

  /** A rule of its own for the names, so that they stand in the automaton once for each place and not spelled out. */
  private Expr key(Dfa content) {
    Expr quote = Expr.text("\"");
    Rule rule = newRule("name", Rank.TERMINAL, 0);
    define(rule, Nfa.compile(Expr.sequence(quote, new Expr.Automaton(content), quote), alphabet));
    return new Expr.Call(rule);
  }
}
