package io.expertmesh.engine.constraint;

import java.util.Map;
import tools.jackson.databind.JsonNode;

/** The ways in which models like to write JSON. */
final class JsonWriting {
  private JsonWriting() {}

  /** As Python's {@code json.dumps}: a space behind each comma and colon. */
  static String spaced(JsonNode value) {
    StringBuilder out = new StringBuilder();
    write(value, out, -1, 0);
    return out.toString();
  }

  /** As {@code json.dumps(indent=...)}. */
  static String indented(JsonNode value, int indent) {
    StringBuilder out = new StringBuilder();
    write(value, out, indent, 0);
    return out.toString();
  }

  private static void write(JsonNode value, StringBuilder out, int indent, int level) {
    if (!value.isContainer() || value.isEmpty()) {
      out.append(JsonValues.write(value));
      return;
    }
    out.append(value.isObject() ? '{' : '[');
    boolean first = true;
    if (value.isObject()) {
      for (Map.Entry<String, JsonNode> property : value.properties()) {
        separate(out, first, indent, level + 1);
        out.append(JsonText.quoted(property.getKey())).append(": ");
        write(property.getValue(), out, indent, level + 1);
        first = false;
      }
    } else {
      for (JsonNode item : value.values()) {
        separate(out, first, indent, level + 1);
        write(item, out, indent, level + 1);
        first = false;
      }
    }
    if (indent >= 0) {
      out.append('\n').repeat(" ", indent * level);
    }
    out.append(value.isObject() ? '}' : ']');
  }

  private static void separate(StringBuilder out, boolean first, int indent, int level) {
    out.append(first ? "" : ",");
    if (indent >= 0) {
      out.append('\n').repeat(" ", indent * level);
    } else if (!first) {
      out.append(' ');
    }
  }
}
