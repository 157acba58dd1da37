package io.expertmesh.gateway.openai;

import io.expertmesh.engine.text.TextEvent;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.ObjectNode;

/** How an endpoint writes its answers, one per choice. */
interface AnswerFormat {
  /** What traces call it: by OpenTelemetry's conventions {@code chat} or {@code text_completion}. */
  String operation();

  /** Whether an answer goes on with the prompt's text or is a text of its own. */
  boolean continuesPrompt();

  /** The response when nothing is streamed. */
  ObjectNode whole(List<Answer> answers);

  /**
   * What is streamed after {@code event}, which is already part of {@code answer}.
   *
   * @return empty if it changes nothing for the client
   */
  List<ObjectNode> chunks(int index, TextEvent event, Answer answer);

  /** The last chunk if usage was asked for. */
  ObjectNode usageChunk(List<Answer> answers);

  /** Special tokens that the format needs to see in the text, and their texts. */
  default Map<Integer, String> specialMarks() {
    return Map.of();
  }
}
