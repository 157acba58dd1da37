package io.expertmesh.engine.toolcall;

/** A part of an answer: text for the reader, or a call of a function. */
public sealed interface AnswerPart {
  record Text(String text) implements AnswerPart {}

  /** @param arguments a JSON object, as the model wrote it */
  record Call(String name, String arguments) implements AnswerPart {}
}
