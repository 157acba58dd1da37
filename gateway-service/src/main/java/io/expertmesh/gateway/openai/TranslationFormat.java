package io.expertmesh.gateway.openai;

import io.expertmesh.engine.text.TextEvent;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Answers of {@code /translate}: a text for a text, texts for texts. */
final class TranslationFormat implements AnswerFormat {
  private final TranslationRequest request;

  TranslationFormat(TranslationRequest request) {
    this.request = request;
  }

  @Override
  public String operation() {
    return "translate";
  }

  @Override
  public boolean continuesPrompt() {
    return false;
  }

  @Override
  public ObjectNode whole(List<Answer> answers) {
    ObjectNode whole = Json.NODES.objectNode();
    if (!request.several()) {
      return whole.put("translatedText", answers.getFirst().text());
    }
    ArrayNode texts = whole.putArray("translatedText");
    answers.forEach(answer -> texts.add(answer.text()));
    return whole;
  }

  @Override
  public List<ObjectNode> chunks(int index, TextEvent event, Answer answer) {
    throw new IllegalStateException("translations are not streamed");
  }

  @Override
  public ObjectNode usageChunk(List<Answer> answers) {
    throw new IllegalStateException("translations are not streamed");
  }
}
