package io.expertmesh.gateway.openai;

import io.expertmesh.engine.api.TokenLogprobs;
import io.expertmesh.engine.text.TextEvent;
import io.expertmesh.engine.text.TextEvent.GeneratedToken;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Answers of {@code /v1/chat/completions}. */
final class ChatFormat implements AnswerFormat {
  private static final String CHUNK = "chat.completion.chunk";

  private final ChatRequest request;
  private final Frame frame;
  private final TokenText tokenText;

  ChatFormat(ChatRequest request, Frame frame) {
    this.request = request;
    this.frame = frame;
    this.tokenText = new TokenText(frame.model().tokenizer());
  }

  @Override
  public ObjectNode whole(List<Answer> answers) {
    ArrayNode choices = Json.NODES.arrayNode();
    for (int index = 0; index < answers.size(); index++) {
      Answer answer = answers.get(index);
      ObjectNode choice = choices.addObject().put("index", index);
      choice.putObject("message").put("role", "assistant").put("content", answer.text()).putNull("refusal");
      addLogprobs(choice, answer.tokens());
      choice.put("finish_reason", Json.finishReason(answer.end().reason()));
      if (request.options().returnTokenIds()) {
        choice.set("token_ids", Json.ids(answer.tokens()));
        choice.set("prompt_token_ids", Json.ids(request.prompt().ids()));
      }
      frame.addRouting(choice, answer);
    }
    return frame.whole("chat.completion", choices, answers);
  }

  @Override
  public @Nullable ObjectNode chunk(int index, TextEvent event, Answer answer) {
    ObjectNode choice = Json.NODES.objectNode().put("index", index);
    ObjectNode delta = choice.putObject("delta");
    boolean tokenIds = request.options().returnTokenIds();
    switch (event) {
      case TextEvent.Prompt prompt -> {
        delta.put("role", "assistant").put("content", "");
        choice.putNull("logprobs").putNull("finish_reason");
        if (tokenIds) {
          choice.set("prompt_token_ids", Json.ids(request.prompt().ids()));
        }
      }
      case TextEvent.Delta part -> {
        boolean tokensMatter = tokenIds || request.logprobs() >= 0;
        if (part.text().isEmpty() && (!tokensMatter || part.tokens().isEmpty())) {
          return null;
        }
        delta.put("content", part.text());
        addLogprobs(choice, part.tokens());
        choice.putNull("finish_reason");
        if (tokenIds) {
          choice.set("token_ids", Json.ids(part.tokens()));
        }
      }
      case TextEvent.End end -> {
        choice.putNull("logprobs").put("finish_reason", Json.finishReason(end.reason()));
        frame.addRouting(choice, answer);
      }
    }
    return frame.chunk(CHUNK, choice, event);
  }

  private void addLogprobs(ObjectNode choice, List<GeneratedToken> tokens) {
    if (request.logprobs() < 0) {
      choice.putNull("logprobs");
      return;
    }
    ArrayNode content = choice.putObject("logprobs").putNull("refusal").putArray("content");
    for (GeneratedToken token : tokens) {
      TokenLogprobs logprobs = token.logprobs();
      if (logprobs != null) {
        ObjectNode entry = content.addObject();
        describe(entry, logprobs.tokenId(), logprobs.logprob());
        ArrayNode top = entry.putArray("top_logprobs");
        logprobs.top().forEach(other -> describe(top.addObject(), other.tokenId(), other.logprob()));
      }
    }
  }

  private void describe(ObjectNode entry, int id, float logprob) {
    entry.put("token", tokenText.text(id)).put("logprob", CompletionLogprobs.finite(logprob));
    ArrayNode bytes = entry.putArray("bytes");
    for (byte value : tokenText.bytes(id)) {
      bytes.add(value & 0xff);
    }
  }

  @Override
  public ObjectNode usageChunk(List<Answer> answers) {
    return frame.usageChunk(CHUNK, answers);
  }
}
