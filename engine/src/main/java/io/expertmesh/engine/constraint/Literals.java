package io.expertmesh.engine.constraint;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** The values of enum and const. */
final class Literals {
  private static final int MAX_VALUES = 10_000;
  private static final int MAX_BYTES = 500_000;

  private Literals() {}

  /** The values, written out, that {@code schema} leaves of its enum and const. */
  static Expr expression(Conjunction schema, List<JsonNode> values) {
    SchemaPart part = schema.partWith(schema.parts().stream().anyMatch(p -> p.has("enum")) ? "enum" : "const");
    List<Expr> options = new ArrayList<>();
    int bytes = 0;
    for (JsonNode value : values) {
      if (value.isFloatingPointNumber() && !Double.isFinite(value.doubleValue())) {
        throw part.wrong("enum", "has a number that is too large");
      }
      if (value.isContainer() && schema.types().contains(JsonType.of(value))
          && schema.hasAny(value.isObject() ? Keywords.OBJECT : Keywords.ARRAY)) {
        throw part.unsupported("enum", "objects and arrays in it beside keywords that restrict them further");
      }
      if (fits(value, schema)) {
        String text = JsonValues.write(value);
        bytes += text.length();
        options.add(Expr.text(text));
      }
    }
    if (options.size() > MAX_VALUES || bytes > MAX_BYTES) {
      throw part.unsupported("enum",
          "up to " + MAX_VALUES + " values with " + MAX_BYTES + " characters are, but it has "
              + options.size() + " with " + bytes);
    }
    return new Expr.Choice(options);
  }

  /** Whether the value's type and, for strings and numbers, the other keywords of {@code schema} admit it. */
  static boolean fits(JsonNode value, Conjunction schema) {
    JsonType type = JsonType.of(value);
    if (!schema.types().contains(type)) {
      return false;
    }
    return switch (type) {
      case STRING -> isText(value.stringValue()) && fits(value.stringValue(), StringFacets.of(schema));
      case INTEGER, FRACTION -> NumberFacets.of(schema).admits(value.decimalValue());
      default -> true;
    };
  }

  /** Whether the text is Unicode, without half a surrogate pair. */
  static boolean isText(String text) {
    return StandardCharsets.UTF_8.newEncoder().canEncode(text);
  }

  private static boolean fits(String text, StringFacets facets) {
    int length = text.codePointCount(0, text.length());
    if (length < facets.minLength() || (facets.maxLength() != Expr.UNBOUNDED && length > facets.maxLength())) {
      return false;
    }
    byte[] writing = JsonText.unquoted(text).getBytes(StandardCharsets.UTF_8);
    for (Dfa pattern : facets.patterns()) {
      if (!pattern.accepts(writing)) {
        return false;
      }
    }
    return true;
  }
}
