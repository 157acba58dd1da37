package io.expertmesh.gateway.http;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The fields of a JSON object in a request, read one by one with their types and ranges. {@code null} is the same as
 * absent. {@link #end} refuses every field that nobody asked for, so that none is ever ignored.
 */
public final class JsonFields {
  private final ObjectNode object;
  private final String path;
  private final Set<String> known = new LinkedHashSet<>();

  public JsonFields(ObjectNode object) {
    this(object, "");
  }

  private JsonFields(ObjectNode object, String path) {
    this.object = object;
    this.path = path;
  }

  /** The element {@code index} of an array as an object. */
  public JsonFields element(String name, JsonNode element, int index) {
    String elementPath = "%s[%d]".formatted(at(name), index);
    if (element instanceof ObjectNode fields) {
      return new JsonFields(fields, elementPath + ".");
    }
    throw wrongType(elementPath, "an object", element);
  }

  /** The full name of a field, such as {@code stream_options.include_usage}. */
  public String at(String name) {
    return path + name;
  }

  /** The field as it is, or null if it is absent. */
  public @Nullable JsonNode any(String name) {
    known.add(name);
    JsonNode value = object.get(name);
    return value == null || value.isNull() ? null : value;
  }

  public @Nullable String string(String name) {
    JsonNode value = any(name);
    if (value == null || value.isString()) {
      return value == null ? null : value.stringValue();
    }
    throw wrongType(at(name), "a string", value);
  }

  public boolean bool(String name, boolean absent) {
    JsonNode value = any(name);
    if (value == null || value.isBoolean()) {
      return value == null ? absent : value.booleanValue();
    }
    throw wrongType(at(name), "true or false", value);
  }

  /** A whole number in {@code min..max}, or null if it is absent. */
  public @Nullable Long whole(String name, long min, long max) {
    JsonNode value = any(name);
    return value == null ? null : whole(at(name), value, min, max);
  }

  /** A whole number in {@code min..max}. */
  public int whole(String name, int min, int max, int absent) {
    JsonNode value = any(name);
    return value == null ? absent : (int) whole(at(name), value, min, max);
  }

  /** A number in {@code min..max}. */
  public float number(String name, double min, double max, float absent) {
    JsonNode value = any(name);
    return value == null ? absent : number(at(name), value, min, max);
  }

  /** The values of an array, or null if it is absent. */
  public @Nullable ArrayNode array(String name) {
    JsonNode value = any(name);
    if (value == null || value instanceof ArrayNode) {
      return (ArrayNode) value;
    }
    throw wrongType(at(name), "an array", value);
  }

  public @Nullable JsonFields object(String name) {
    JsonNode value = any(name);
    if (value == null) {
      return null;
    }
    if (value instanceof ObjectNode fields) {
      return new JsonFields(fields, at(name) + ".");
    }
    throw wrongType(at(name), "an object", value);
  }

  /** The names of all fields that are there. */
  public List<String> names() {
    return List.copyOf(object.propertyNames());
  }

  /** Fields that clients send although they change nothing here. */
  public void harmless(String... names) {
    known.addAll(List.of(names));
  }

  /** Refuses a field that this server knows but does not support, unless it has one of the {@code harmless} values. */
  public void refuse(String name, String reason, Object... harmless) {
    JsonNode value = any(name);
    if (value == null || (value.isContainer() && value.isEmpty())) {
      return;
    }
    for (Object allowed : harmless) {
      if (allowed.toString().equals(value.asString(""))) {
        return;
      }
    }
    throw new ApiException(ApiError.badRequest(at(name), "unsupported_parameter",
        "'%s' is not supported: %s".formatted(at(name), reason)));
  }

  /** Says that every supported field has been read. */
  public void end() {
    List<String> unknown = new ArrayList<>(object.propertyNames());
    unknown.removeAll(known);
    if (!unknown.isEmpty()) {
      throw new ApiException(ApiError.badRequest(at(unknown.getFirst()), "unknown_parameter",
          "Unknown field '%s'. /openapi.json lists the fields that this server takes.".formatted(
              at(unknown.getFirst()))));
    }
  }

  /** The names that were asked for so far. */
  public Set<String> known() {
    return known;
  }

  /** {@code value} as a whole number in {@code min..max}. */
  public static long whole(String name, JsonNode value, long min, long max) {
    boolean whole = value.isNumber() && value.doubleValue() == Math.rint(value.doubleValue());
    if (!whole) {
      throw wrongType(name, "a whole number", value);
    }
    if (!value.canConvertToLong() || value.longValue() < min || value.longValue() > max) {
      throw ApiException.invalid(name,
          "'%s' is %s; it must be %s.".formatted(name, shown(value), range(Long.toString(min), Long.toString(max))));
    }
    return value.longValue();
  }

  /** {@code value} as a number in {@code min..max}. */
  public static float number(String name, JsonNode value, double min, double max) {
    if (!value.isNumber()) {
      throw wrongType(name, "a number", value);
    }
    double number = value.doubleValue();
    if (!(number >= min && number <= max)) {
      throw ApiException.invalid(name,
          "'%s' is %s; it must be %s.".formatted(name, shown(value), range(plain(min), plain(max))));
    }
    return (float) number;
  }

  /** 400: a field has a value of a wrong type. */
  public static ApiException wrongType(String name, String expected, JsonNode value) {
    return new ApiException(ApiError.badRequest(name, "invalid_type",
        "'%s' must be %s, not %s.".formatted(name, expected, shown(value))));
  }

  private static String range(String min, String max) {
    return "between %s and %s".formatted(min, max);
  }

  private static String plain(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }

  private static String shown(JsonNode value) {
    String text = value.toString();
    return text.length() <= 60 ? text : text.substring(0, 60) + "...";
  }
}
