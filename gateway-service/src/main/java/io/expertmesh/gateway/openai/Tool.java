package io.expertmesh.gateway.openai;

import io.expertmesh.engine.constraint.CallableFunction;
import io.expertmesh.gateway.http.ApiException;
import io.expertmesh.gateway.http.JsonFields;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A function that the model may call.
 *
 * @param description what the chat template gets: {@code type} and {@code function} with {@code name},
 *     {@code description} and {@code parameters}, in this order, which is the one that models were trained with
 * @param function how it may be called
 */
record Tool(ObjectNode description, CallableFunction function) {
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9_-]{1,64}");
  private static final ObjectNode ANY_ARGUMENTS = Json.NODES.objectNode().put("type", "object");
  private static final ObjectNode NO_ARGUMENTS = noParameters().put("additionalProperties", false);

  static Tool read(JsonFields fields) {
    String type = fields.string("type");
    if (!"function".equals(type)) {
      throw ApiException.invalid(fields.at("type"),
          "'%s' is '%s'; only tools of the type 'function' are known.".formatted(fields.at("type"), type));
    }
    JsonFields function = fields.object("function");
    if (function == null) {
      throw ApiException.invalid(fields.at("function"), "'%s' is missing.".formatted(fields.at("function")));
    }
    fields.end();
    String name = name(function);
    String text = function.string("description");
    JsonNode parameters = function.any("parameters");
    boolean none = parameters == null || (parameters.isObject() && parameters.isEmpty());
    JsonNode schema = parameters == null || none ? noParameters() : schema(function, parameters);
    boolean strict = function.bool("strict", false);
    function.end();
    ObjectNode description = Json.NODES.objectNode().put("type", "function");
    ObjectNode described = description.putObject("function").put("name", name);
    if (text != null) {
      described.put("description", text);
    }
    described.set("parameters", schema);
    return new Tool(description, new CallableFunction(name, none ? NO_ARGUMENTS : schema, strict));
  }

  private static String name(JsonFields function) {
    String name = function.string("name");
    if (name == null || !NAME.matcher(name).matches()) {
      throw ApiException.invalid(function.at("name"),
          "'%s' is '%s'; a name has 1 to 64 letters, digits, '_' and '-'.".formatted(function.at("name"), name));
    }
    return name;
  }

  private static JsonNode schema(JsonFields function, JsonNode parameters) {
    if (!parameters.isObject()) {
      throw JsonFields.wrongType(function.at("parameters"), "a JSON Schema", parameters);
    }
    if (!parameters.path("type").asString("").equals("object")) {
      throw ApiException.invalid(function.at("parameters"),
          "'%s' must be the JSON Schema of an object, with \"type\": \"object\".".formatted(
              function.at("parameters")));
    }
    return parameters;
  }

  private static ObjectNode noParameters() {
    ObjectNode schema = Json.NODES.objectNode().put("type", "object");
    schema.putObject("properties");
    return schema;
  }

  String name() {
    return function.name();
  }

  /** The function as a model may call it that chooses freely: only a strict one insists on its schema. */
  CallableFunction freelyCalled() {
    return function.strict() ? function : new CallableFunction(name(), ANY_ARGUMENTS, false);
  }
}
