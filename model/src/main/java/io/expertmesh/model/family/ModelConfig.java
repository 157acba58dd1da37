package io.expertmesh.model.family;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
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
    JsonNode node = required(path);
    if (!node.isNumber() || !(node.doubleValue() > 0) || !Float.isFinite((float) node.doubleValue())) {
      throw invalid("\"%s\" is %s, not a number above 0".formatted(path, node));
    }
    return (float) node.doubleValue();
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

  /** Whether the field is present and not null. */
  public boolean has(String path) {
    return find(path) != null;
  }

  /** A failure that names the file. */
  public FailureException invalid(String message) {
    return new FailureException(FailureCategory.INVALID_CHECKPOINT, location + ": config.json " + message);
  }
}
