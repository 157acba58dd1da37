package io.expertmesh.engine.constraint;

import tools.jackson.databind.JsonNode;

/**
 * A function that an answer may call.
 *
 * @param name letters, digits, {@code _} and {@code -}
 * @param parameters JSON Schema of the arguments, an object
 * @param strict whether arguments have only the properties that the schema names
 */
public record CallableFunction(String name, JsonNode parameters, boolean strict) {}
