package io.expertmesh.engine.constraint;

import io.expertmesh.model.failure.FailureException;
import java.math.BigDecimal;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * One schema inside the schema document: a JSON object, or true or false.
 *
 * @param path JSON pointer from the document's root, such as {@code #/properties/name}
 */
record SchemaPart(JsonNode node, String path) {
  boolean has(String keyword) {
    return node.has(keyword);
  }

  /** The value of {@code keyword}, which is there. */
  JsonNode value(String keyword) {
    return node.path(keyword);
  }

  /** The schema that {@code keyword} has as its value. */
  SchemaPart at(String keyword) {
    return new SchemaPart(value(keyword), path + "/" + escape(keyword));
  }

  /** The schema that {@code keyword}'s array holds at {@code index}. */
  SchemaPart at(String keyword, int index) {
    return new SchemaPart(value(keyword).path(index), path + "/" + escape(keyword) + "/" + index);
  }

  /** The schema that {@code keyword}'s object holds under {@code name}. */
  SchemaPart at(String keyword, String name) {
    return new SchemaPart(value(keyword).path(name), path + "/" + escape(keyword) + "/" + escape(name));
  }

  private static String escape(String name) {
    return name.replace("~", "~0").replace("/", "~1");
  }

  /** A count such as {@code minLength}; null if the keyword is not there. */
  @Nullable
  Integer count(String keyword) {
    if (!has(keyword)) {
      return null;
    }
    JsonNode value = value(keyword);
    if (!value.isNumber() || !value.canConvertToExactIntegral() || value.decimalValue().signum() < 0) {
      throw wrong(keyword, "must be a whole number, 0 or more, but is " + value);
    }
    return value.decimalValue().min(BigDecimal.valueOf(Integer.MAX_VALUE)).intValue();
  }

  /** A number such as {@code minimum}; null if the keyword is not there. */
  @Nullable
  BigDecimal number(String keyword) {
    if (!has(keyword)) {
      return null;
    }
    JsonNode value = value(keyword);
    if (!value.isNumber() || (value.isFloatingPointNumber() && !Double.isFinite(value.doubleValue()))) {
      throw wrong(keyword, "must be a number, but is " + value);
    }
    BigDecimal number = value.decimalValue().stripTrailingZeros();
    if (number.precision() > 100 || Math.abs((long) number.scale()) > 400) {
      throw wrong(keyword, "has more digits than are supported");
    }
    return number;
  }

  String text(String keyword) {
    if (!value(keyword).isString()) {
      throw wrong(keyword, "must be a string, but is " + value(keyword));
    }
    return value(keyword).stringValue();
  }

  /** A failure that says that a keyword's value is not what JSON Schema asks for. */
  FailureException wrong(String keyword, String what) {
    return FailureException.invalidParameter("response_format", "The schema's '" + keyword + "' at " + path + " " + what
        + ".");
  }

  /** A failure that says that a keyword is not supported, why, and what to write instead. */
  FailureException unsupported(String keyword, String why) {
    return FailureException.invalidParameter("response_format",
        "The schema's '" + keyword + "' at " + path + " is not supported: " + why + ".");
  }
}
