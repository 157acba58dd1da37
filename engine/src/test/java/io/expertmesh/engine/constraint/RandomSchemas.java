package io.expertmesh.engine.constraint;

import java.util.List;
import java.util.Random;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Makes up schemas of the supported kind, most of which allow something. */
final class RandomSchemas {
  private static final List<String> NAMES = List.of("a", "ab", "name", "größe", "quo\"te", "x y", "id", "tags");
  private static final List<String> PATTERNS = List.of("^[a-z]{1,4}$", "^\\d+(\\.\\d+)?$", "x", "^(a|bc)*d$", "[^b]$",
      "^.{2,5}$", "^\\w+ \\S+$");
  private static final List<String> FORMATS = List.of("date", "time", "date-time", "uuid", "ipv4", "ipv6", "hostname",
      "duration", "email");

  private final Random random;
  private final JsonNodeFactory json = JsonNodeFactory.instance;

  RandomSchemas(long seed) {
    random = new Random(seed);
  }

  ObjectNode next() {
    ObjectNode schema = schema(3);
    ObjectNode defs = schema.putObject("$defs");
    defs.set("leaf", leaf());
    defs.set("list", recursive());
    return schema;
  }

  private ObjectNode recursive() {
    ObjectNode node = json.objectNode().put("type", "object").put("additionalProperties", false);
    ObjectNode properties = node.putObject("properties");
    properties.set("value", leaf());
    properties.putObject("next").put("$ref", "#/$defs/list");
    node.putArray("required").add("value");
    return node;
  }

  private ObjectNode schema(int depth) {
    if (depth == 0) {
      return leaf();
    }
    return switch (random.nextInt(10)) {
      case 0, 1, 2 -> object(depth);
      case 3, 4 -> array(depth);
      case 5 -> branches("anyOf", depth);
      case 6 -> tagged(depth);
      case 7 -> json.objectNode().put("$ref", random.nextBoolean() ? "#/$defs/leaf" : "#/$defs/list");
      case 8 -> allOf(depth);
      default -> leaf();
    };
  }

  private ObjectNode object(int depth) {
    ObjectNode schema = json.objectNode().put("type", "object");
    ObjectNode properties = schema.putObject("properties");
    ArrayNode required = schema.putArray("required");
    for (String name : NAMES) {
      if (random.nextInt(3) == 0) {
        properties.set(name, schema(depth - 1));
        if (random.nextBoolean()) {
          required.add(name);
        }
      }
    }
    switch (random.nextInt(5)) {
      case 0 -> schema.set("additionalProperties", leaf());
      case 1 -> schema.put("maxProperties", required.size() + random.nextInt(3));
      case 2 -> schema.putObject("patternProperties").set("^x-", leaf());
      default -> schema.put("additionalProperties", false);
    }
    if (random.nextInt(4) == 0) {
      schema.put("minProperties", Math.min(properties.size(), required.size() + 1));
    }
    return schema;
  }

  private ObjectNode array(int depth) {
    ObjectNode schema = json.objectNode().put("type", "array");
    if (random.nextInt(3) == 0) {
      ArrayNode first = schema.putArray("prefixItems");
      first.add(schema(depth - 1));
      first.add(leaf());
    }
    if (random.nextInt(4) > 0) {
      schema.set("items", schema(depth - 1));
    }
    int min = random.nextInt(3);
    if (random.nextBoolean()) {
      schema.put("minItems", min);
    }
    if (random.nextBoolean()) {
      schema.put("maxItems", min + random.nextInt(4));
    }
    return schema;
  }

  private ObjectNode branches(String keyword, int depth) {
    ObjectNode schema = json.objectNode();
    ArrayNode branches = schema.putArray(keyword);
    for (int i = 0; i <= 1 + random.nextInt(2); i++) {
      branches.add(schema(depth - 1));
    }
    return schema;
  }

  private ObjectNode tagged(int depth) {
    ObjectNode schema = json.objectNode();
    ArrayNode branches = schema.putArray("oneOf");
    for (String tag : List.of("one", "two", "three")) {
      ObjectNode branch = json.objectNode().put("type", "object");
      ObjectNode properties = branch.putObject("properties");
      properties.putObject("tag").put("const", tag);
      properties.set("body", schema(depth - 1));
      branch.putArray("required").add("tag");
      branches.add(branch);
    }
    return schema;
  }

  private ObjectNode allOf(int depth) {
    ObjectNode schema = json.objectNode();
    ArrayNode all = schema.putArray("allOf");
    ObjectNode first = object(depth);
    first.remove("additionalProperties");
    ObjectNode second = json.objectNode();
    second.putObject("properties").putObject("extra").put("type", "integer");
    second.putArray("required").add("extra");
    all.add(first);
    all.add(second);
    return schema;
  }

  private ObjectNode leaf() {
    ObjectNode schema = json.objectNode();
    switch (random.nextInt(9)) {
      case 0 -> schema.put("type", "boolean");
      case 1 -> schema.putArray("type").add("null").add("integer");
      case 2 -> lengths(schema.put("type", "string"));
      case 3 -> schema.put("type", "string").put("pattern", PATTERNS.get(random.nextInt(PATTERNS.size())));
      case 4 -> schema.put("type", "string").put("format", FORMATS.get(random.nextInt(FORMATS.size())));
      case 5 -> integers(schema.put("type", "integer"));
      case 6 -> numbers(schema.put("type", "number"));
      case 7 -> schema.putArray("enum").add("a").add(random.nextInt(100)).add(true).addNull();
      default -> schema.put("const", NAMES.get(random.nextInt(NAMES.size())));
    }
    return schema;
  }

  private void lengths(ObjectNode schema) {
    int min = random.nextInt(5);
    schema.put("minLength", min);
    if (random.nextBoolean()) {
      schema.put("maxLength", min + random.nextInt(20));
    }
  }

  private void integers(ObjectNode schema) {
    int low = random.nextInt(2001) - 1000;
    if (random.nextInt(4) > 0) {
      schema.put(random.nextBoolean() ? "minimum" : "exclusiveMinimum", low);
    }
    if (random.nextInt(4) > 0) {
      schema.put(random.nextBoolean() ? "maximum" : "exclusiveMaximum", low + 40 + random.nextInt(20_000));
    }
    if (random.nextInt(3) == 0) {
      schema.put("multipleOf", 1 + random.nextInt(20));
    }
  }

  private void numbers(ObjectNode schema) {
    double low = (random.nextInt(2001) - 1000) / 8.0;
    if (random.nextInt(4) > 0) {
      schema.put(random.nextBoolean() ? "minimum" : "exclusiveMinimum", low);
    }
    if (random.nextInt(4) > 0) {
      schema.put(random.nextBoolean() ? "maximum" : "exclusiveMaximum", low + (1 + random.nextInt(1000)) / 64.0);
    }
    if (random.nextInt(4) == 0) {
      schema.put("multipleOf", 0.001);
    }
  }

}
