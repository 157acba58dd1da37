package io.expertmesh.gateway.openai;

import io.expertmesh.gateway.http.ApiException;
import io.expertmesh.gateway.http.JsonFields;
import tools.jackson.databind.JsonNode;

/** Whether the model calls functions. */
sealed interface ToolChoice {
  /** It does not, and is not told of any. */
  record None() implements ToolChoice {}

  /** As it likes. */
  record Auto() implements ToolChoice {}

  /** It calls at least one. */
  record Required() implements ToolChoice {}

  /** It calls this one, once. */
  record Named(String function) implements ToolChoice {}

  static ToolChoice read(JsonFields fields) {
    JsonNode choice = fields.any("tool_choice");
    if (choice == null) {
      return new Auto();
    }
    if (choice.isString()) {
      return switch (choice.stringValue()) {
        case "none" -> new None();
        case "auto" -> new Auto();
        case "required" -> new Required();
        default -> throw unknown(choice);
      };
    }
    JsonFields named = fields.object("tool_choice");
    JsonFields function = named == null || !"function".equals(named.string("type")) ? null : named.object("function");
    String name = function == null ? null : function.string("name");
    if (named == null || function == null || name == null) {
      throw unknown(choice);
    }
    function.end();
    named.end();
    return new Named(name);
  }

  private static ApiException unknown(JsonNode choice) {
    return ApiException.invalid("tool_choice",
        "'tool_choice' is %s; it must be none, auto, required or {\"type\": \"function\", \"function\": {\"name\": ...}}."
            .formatted(choice));
  }
}
