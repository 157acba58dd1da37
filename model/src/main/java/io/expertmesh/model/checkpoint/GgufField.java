package io.expertmesh.model.checkpoint;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * One field of {@code config.json} and the GGUF key that holds it.
 *
 * @param config the field
 * @param key the key without the architecture's prefix
 * @param absent what a missing key means
 * @param fallbackKey a key to look at before {@code absent} counts
 */
record GgufField(String config, String key, Type type, Absent absent, JsonNode fallback, @Nullable String fallbackKey) {
  enum Type {
    INTEGER, REAL, FLAG
  }

  enum Absent {
    /** A failure. */
    REFUSED,
    /** The field is left out. */
    LEFT_OUT,
    /** The field has the fallback value. */
    FALLBACK
  }

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  static GgufField integer(String config, String key) {
    return new GgufField(config, key, Type.INTEGER, Absent.REFUSED, JSON.nullNode(), null);
  }

  static GgufField real(String config, String key) {
    return new GgufField(config, key, Type.REAL, Absent.REFUSED, JSON.nullNode(), null);
  }

  static GgufField flag(String config, String key) {
    return new GgufField(config, key, Type.FLAG, Absent.REFUSED, JSON.nullNode(), null);
  }

  GgufField orElse(double value) {
    return new GgufField(config, key, type, Absent.FALLBACK, JSON.numberNode(value), null);
  }

  GgufField orElse(int value) {
    return new GgufField(config, key, type, Absent.FALLBACK, JSON.numberNode(value), null);
  }

  GgufField orElse(boolean value) {
    return new GgufField(config, key, type, Absent.FALLBACK, JSON.booleanNode(value), null);
  }

  GgufField orElseNull() {
    return new GgufField(config, key, type, Absent.FALLBACK, JSON.nullNode(), null);
  }

  GgufField orLeftOut() {
    return new GgufField(config, key, type, Absent.LEFT_OUT, JSON.nullNode(), null);
  }

  GgufField orElseFrom(String otherKey) {
    return new GgufField(config, key, type, absent, fallback, otherKey);
  }

  /** Sets this field of {@code target} from the metadata. */
  void read(GgufMetadata metadata, GgufArchitecture architecture, ObjectNode target) {
    JsonNode value = value(metadata, architecture.key(key));
    if (value == null && fallbackKey != null) {
      value = value(metadata, architecture.key(fallbackKey));
    }
    if (value != null) {
      target.set(config, value);
    } else if (absent == Absent.FALLBACK) {
      target.set(config, fallback);
    } else if (absent == Absent.REFUSED) {
      throw InvalidCheckpoint.in(metadata.file(), "has no metadata key " + architecture.key(key));
    }
  }

  /** Puts this field of {@code config}, if it is there and not null, under the architecture's key. */
  void write(JsonNode source, GgufArchitecture architecture, GgufWriter writer) {
    String fullKey = architecture.key(key);
    JsonNode value = source.path(config);
    if (value.isMissingNode() || value.isNull()) {
      if (absent == Absent.REFUSED && fallbackKey == null) {
        throw new IllegalArgumentException("has no " + config);
      }
      return;
    }
    boolean fits = switch (type) {
      case INTEGER -> value.isIntegralNumber() && value.asLong(-1) >= 0 && value.asLong(-1) <= Integer.MAX_VALUE;
      case REAL -> value.isNumber();
      case FLAG -> value.isBoolean();
    };
    if (!fits) {
      throw new IllegalArgumentException("has the %s %s".formatted(config, value));
    }
    switch (type) {
      case INTEGER -> writer.u32(fullKey, value.asLong());
      case REAL -> writer.f32(fullKey, value.asDouble());
      case FLAG -> writer.flag(fullKey, value.asBoolean());
    }
  }

  private @Nullable JsonNode value(GgufMetadata metadata, String fullKey) {
    if (!metadata.values().containsKey(fullKey)) {
      return null;
    }
    return switch (type) {
      case INTEGER -> integer(metadata.integer(fullKey).orElseThrow());
      case REAL -> JSON.numberNode(metadata.real(fullKey).orElseThrow());
      case FLAG -> JSON.booleanNode(metadata.flag(fullKey).orElseThrow());
    };
  }

  /** An int node where the number fits, as a parsed file has it. */
  static JsonNode integer(long value) {
    return value == (int) value ? JSON.numberNode((int) value) : JSON.numberNode(value);
  }
}
