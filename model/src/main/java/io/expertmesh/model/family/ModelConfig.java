package io.expertmesh.model.family;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Typed, checked access to {@code config.json}; nothing has a silent default. */
public final class ModelConfig {
  private final String location;
  private final JsonNode root;

  /**
   * @param location for messages
   */
  public ModelConfig(String location, JsonNode root) {
    this.location = location;
    this.root = root;
  }

  public String modelType() {
    JsonNode node = root.path("model_type");
    if (!node.isString()) {
      throw invalid("has no \"model_type\"");
    }
    return node.stringValue();
  }

  private @Nullable JsonNode find(String path) {
    JsonNode node = root;
    for (String field : path.split("\\.", -1)) {
      node = node.path(field);
    }
    return node.isMissingNode() || node.isNull() ? null : node;
  }

  private JsonNode required(String path) {
    JsonNode node = find(path);
    if (node == null) {
      throw invalid("has no \"" + path + "\"");
    }
    return node;
  }

  /** An integer from 1 to {@code max}. */
  public int positiveInt(String path, int max) {
    JsonNode node = required(path);
    if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() < 1 || node.intValue() > max) {
      throw invalid("\"%s\" is %s, not a whole number from 1 to %d".formatted(path, node, max));
    }
    return node.intValue();
  }

  /** As {@link #positiveInt}, or {@code absent} where the field is missing or null. */
  public int positiveInt(String path, int max, int absent) {
    return find(path) == null ? absent : positiveInt(path, max);
  }

  /** A finite number above 0. */
  public float positiveFloat(String path) {
    return (float) positiveDouble(path);
  }

  /** As {@link #positiveFloat}, with all digits. */
  public double positiveDouble(String path) {
    JsonNode node = required(path);
    if (!node.isNumber() || !(node.doubleValue() > 0) || !Float.isFinite((float) node.doubleValue())) {
      throw invalid("\"%s\" is %s, not a number above 0".formatted(path, node));
    }
    return node.doubleValue();
  }

  /** {@code length} finite numbers above 0. */
  public float[] positiveFloats(String path, int length) {
    JsonNode node = required(path);
    float[] values = new float[length];
    boolean valid = node.isArray() && node.size() == length;
    for (int i = 0; valid && i < length; i++) {
      values[i] = node.get(i).isNumber() ? (float) node.get(i).doubleValue() : 0;
      valid = values[i] > 0 && Float.isFinite(values[i]);
    }
    if (!valid) {
      throw invalid("\"%s\" is %s, not %d numbers above 0".formatted(path, node, length));
    }
    return values;
  }

  /** As {@link #positiveFloat}, or null where the field is missing or null. */
  public @Nullable Float optionalPositiveFloat(String path) {
    return find(path) == null ? null : positiveFloat(path);
  }

  public boolean bool(String path) {
    JsonNode node = required(path);
    if (!node.isBoolean()) {
      throw invalid("\"%s\" is %s, not true or false".formatted(path, node));
    }
    return node.booleanValue();
  }

  /** As {@link #bool}, or {@code absent} where the field is missing or null. */
  public boolean bool(String path, boolean absent) {
    return find(path) == null ? absent : bool(path);
  }

  /** Fails unless the field is absent or the text {@code supported}. */
  public void requireAbsentOr(String path, String supported) {
    JsonNode node = find(path);
    if (node != null && !(node.isString() && node.stringValue().equals(supported))) {
      throw invalid("\"%s\" is %s; only \"%s\" is supported".formatted(path, node, supported));
    }
  }

  /** Fails if the field is present and not null; {@code why} completes the message. */
  public void requireAbsent(String path, String why) {
    JsonNode node = find(path);
    if (node != null) {
      throw invalid("\"%s\" is %s: %s".formatted(path, node, why));
    }
  }

  /** A finite number, or {@code absent} where the field is missing or null. */
  public float number(String path, float absent) {
    return (float) exactNumber(path, absent);
  }

  /** As {@link #number}, with all digits. */
  public double exactNumber(String path, double absent) {
    JsonNode node = find(path);
    if (node == null) {
      return absent;
    }
    if (!node.isNumber() || !Float.isFinite((float) node.doubleValue())) {
      throw invalid("\"%s\" is %s, not a number".formatted(path, node));
    }
    return node.doubleValue();
  }

  /** An integer from 0 to {@code max}, or {@code absent} where the field is missing or null. */
  public int nonNegativeInt(String path, int max, int absent) {
    JsonNode node = find(path);
    return node != null && node.isIntegralNumber() && node.canConvertToInt() && node.intValue() == 0
        ? 0
        : positiveInt(path, max, absent);
  }

  /** A text, or null where the field is missing or null. */
  public @Nullable String text(String path) {
    JsonNode node = find(path);
    if (node != null && !node.isString()) {
      throw invalid("\"%s\" is %s, not a text".formatted(path, node));
    }
    return node == null ? null : node.stringValue();
  }

  /** Texts, or null where the field is missing or null. */
  public @Nullable List<String> texts(String path) {
    JsonNode node = find(path);
    if (node == null) {
      return null;
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode entry : list(path, node)) {
      if (!entry.isString()) {
        throw invalid("\"%s\" holds %s, not a text".formatted(path, entry));
      }
      texts.add(entry.stringValue());
    }
    return texts;
  }

  /** Integers from 0 to {@code max}; none where the field is missing or null. */
  public Set<Integer> ints(String path, int max) {
    JsonNode node = find(path);
    Set<Integer> ints = new TreeSet<>();
    if (node == null) {
      return ints;
    }
    for (JsonNode entry : list(path, node)) {
      if (!entry.isIntegralNumber() || !entry.canConvertToInt() || entry.intValue() < 0 || entry.intValue() > max) {
        throw invalid("\"%s\" holds %s, not a whole number from 0 to %d".formatted(path, entry, max));
      }
      ints.add(entry.intValue());
    }
    return ints;
  }

  private JsonNode list(String path, JsonNode node) {
    if (!node.isArray()) {
      throw invalid("\"%s\" is %s, not a list".formatted(path, node));
    }
    return node;
  }

  /** Names of the fields of the object {@code path}; none where it is missing or null. */
  public Set<String> fields(String path) {
    JsonNode node = find(path);
    if (node == null) {
      return Set.of();
    }
    if (!node.isObject()) {
      throw invalid("\"%s\" is %s, not an object".formatted(path, node));
    }
    return new TreeSet<>(node.propertyNames());
  }

  /** Whether the field is present and not null. */
  public boolean has(String path) {
    return find(path) != null;
  }

  /** A failure that names the file. */
  public FailureException invalid(String message) {
    return new FailureException(FailureCategory.INVALID_CHECKPOINT, location + ": config.json " + message);
  }
}
