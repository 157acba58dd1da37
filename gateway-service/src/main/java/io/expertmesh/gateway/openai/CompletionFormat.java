package io.expertmesh.gateway.openai;

import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.engine.text.TextEvent;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Answers of {@code /v1/completions}. */
final class CompletionFormat implements AnswerFormat {
  private static final String OBJECT = "text_completion";

  private final CompletionRequest request;
  private final ServedModel model;
  private final Frame frame;
  private final TokenText tokenText;

  CompletionFormat(CompletionRequest request, Frame frame) {
    this.request = request;
    this.model = frame.model();
    this.frame = frame;
    this.tokenText = new TokenText(frame.model().tokenizer());
  }

  @Override
  public String operation() {
    return "text_completion";
  }

  @Override
  public boolean continuesPrompt() {
    return request.continuesPrompt(model);
  }

  @Override
  public ObjectNode whole(List<Answer> answers) {
    ArrayNode choices = Json.NODES.arrayNode();
    for (int index = 0; index < answers.size(); index++) {
      Answer answer = answers.get(index);
      CompletionLogprobs logprobs = new CompletionLogprobs(tokenText);
      if (request.echo() && request.logprobs() >= 0) {
        logprobs.addPrompt(request.prompt(index).ids(), answer.promptLogprobs());
      }
      String echoed = echoed(index);
      logprobs.addGenerated(answer.tokens(), echoed.length());
      ObjectNode choice = choice(index, echoed + answer.text(), logprobs)
          .put("finish_reason", Json.finishReason(answer.end().reason()));
      if (request.options().returnTokenIds()) {
        choice.set("token_ids", Json.ids(answer.tokens()));
        choice.set("prompt_token_ids", Json.ids(request.prompt(index).ids()));
      }
      frame.addRouting(choice, answer);
      choices.add(choice);
    }
    return frame.whole(OBJECT, choices, answers);
  }

  @Override
  public List<ObjectNode> chunks(int index, TextEvent event, Answer answer) {
    ObjectNode choice = switch (event) {
      case TextEvent.Prompt prompt -> prompt(index, prompt);
      case TextEvent.Delta delta -> delta(index, delta);
      case TextEvent.End end -> end(index, end, answer);
    };
    return choice == null ? List.of() : List.of(frame.chunk(OBJECT, choice, event));
  }

  private @Nullable ObjectNode prompt(int index, TextEvent.Prompt prompt) {
    if (!request.echo() && !request.options().returnTokenIds()) {
      return null;
    }
    CompletionLogprobs logprobs = new CompletionLogprobs(tokenText);
    if (request.echo() && request.logprobs() >= 0) {
      logprobs.addPrompt(request.prompt(index).ids(), prompt.logprobs());
    }
    ObjectNode choice = choice(index, echoed(index), logprobs).putNull("finish_reason");
    if (request.options().returnTokenIds()) {
      choice.set("prompt_token_ids", Json.ids(request.prompt(index).ids()));
    }
    return choice;
  }

  private @Nullable ObjectNode delta(int index, TextEvent.Delta delta) {
    boolean tokensMatter = request.logprobs() >= 0 || request.options().returnTokenIds();
    if (delta.text().isEmpty() && (!tokensMatter || delta.tokens().isEmpty())) {
      return null;
    }
    CompletionLogprobs logprobs = new CompletionLogprobs(tokenText);
    logprobs.addGenerated(delta.tokens(), echoed(index).length());
    ObjectNode choice = choice(index, delta.text(), logprobs).putNull("finish_reason");
    if (request.options().returnTokenIds()) {
      choice.set("token_ids", Json.ids(delta.tokens()));
    }
    return choice;
  }

  private ObjectNode end(int index, TextEvent.End end, Answer answer) {
    ObjectNode choice = Json.NODES.objectNode()
        .put("index", index)
        .put("text", "")
        .putNull("logprobs")
        .put("finish_reason", Json.finishReason(end.reason()));
    frame.addRouting(choice, answer);
    return choice;
  }

  private ObjectNode choice(int index, String text, CompletionLogprobs logprobs) {
    ObjectNode choice = Json.NODES.objectNode().put("index", index).put("text", text);
    if (request.logprobs() >= 0) {
      choice.set("logprobs", logprobs.node());
    } else {
      choice.putNull("logprobs");
    }
    return choice;
  }

  private String echoed(int index) {
    return request.echo() ? request.prompt(index).text(model) : "";
  }

  @Override
  public ObjectNode usageChunk(List<Answer> answers) {
    return frame.usageChunk(OBJECT, answers);
  }
}
