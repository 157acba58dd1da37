package io.expertmesh.model.tokenizer;

/**
 * One call of a function that an assistant message asks for.
 *
 * @param id what the message with the result refers to
 * @param arguments a JSON object as text
 */
public record ToolCall(String id, String name, String arguments) {}
