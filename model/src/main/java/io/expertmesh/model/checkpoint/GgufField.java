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

  private @Nullable JsonNode value(GgufMetadata metadata, String fullKey) {
    if (!metadata.values().containsKey(fullKey)) {
      return null;
    }
    return switch (type) {
      case INTEGER -> JSON.numberNode(metadata.integer(fullKey).orElseThrow());
      case REAL -> JSON.numberNode(metadata.real(fullKey).orElseThrow());
      case FLAG -> JSON.booleanNode(metadata.flag(fullKey).orElseThrow());
    };
  }
}
