package io.expertmesh.gateway.openai;

import io.expertmesh.engine.api.FinishReason;
import io.expertmesh.engine.api.TokenLogprobs;
import io.expertmesh.engine.text.TextEvent;
import io.expertmesh.engine.text.TextEvent.GeneratedToken;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Answers of {@code /v1/chat/completions}. */
final class ChatFormat implements AnswerFormat {
  private static final String CHUNK = "chat.completion.chunk";

  private final ChatRequest request;
  private final Frame frame;
  private final TokenText tokenText;
  private final Map<Integer, ChatParts> streamed = new HashMap<>();

  ChatFormat(ChatRequest request, Frame frame) {
    this.request = request;
    this.frame = frame;
    this.tokenText = new TokenText(frame.model().tokenizer());
  }

  @Override
  public Map<Integer, String> specialMarks() {
    return request.tools() == null ? Map.of() : request.tools().specialMarks();
  }

  @Override
  public String operation() {
    return "chat";
  }

  @Override
  public boolean continuesPrompt() {
    return false;
  }

  @Override
  public ObjectNode whole(List<Answer> answers) {
    ArrayNode choices = Json.NODES.arrayNode();
    for (int index = 0; index < answers.size(); index++) {
      Answer answer = answers.get(index);
      ObjectNode choice = choices.addObject().put("index", index);
      ChatParts parts = new ChatParts(request.tools());
      parts.addMessage(choice, answer.text());
      addLogprobs(choice, answer.tokens());
      choice.put("finish_reason", finishReason(parts, answer.end().reason()));
      if (request.options().returnTokenIds()) {
        choice.set("token_ids", Json.ids(answer.tokens()));
        choice.set("prompt_token_ids", Json.ids(request.prompt().ids()));
      }
      frame.addRouting(choice, answer);
    }
    return frame.whole("chat.completion", choices, answers);
  }

  private static String finishReason(ChatParts parts, FinishReason reason) {
    return parts.called() && reason == FinishReason.STOP ? "tool_calls" : Json.finishReason(reason);
  }

  @Override
  public List<ObjectNode> chunks(int index, TextEvent event, Answer answer) {
    ChatParts parts = streamed.computeIfAbsent(index, begins -> new ChatParts(request.tools()));
    return switch (event) {
      case TextEvent.Prompt prompt -> List.of(begin(index));
      case TextEvent.Delta delta -> chunks(index, parts.deltas(delta.text()), delta.tokens());
      case TextEvent.End end -> {
        List<ObjectNode> chunks = new ArrayList<>(chunks(index, parts.lastDeltas(), List.of()));
        ObjectNode choice = Json.NODES.objectNode().put("index", index);
        choice.putObject("delta");
        choice.putNull("logprobs").put("finish_reason", finishReason(parts, end.reason()));
        frame.addRouting(choice, answer);
        chunks.add(frame.chunk(CHUNK, choice, end));
        yield chunks;
      }
    };
  }

  private ObjectNode begin(int index) {
    ObjectNode choice = Json.NODES.objectNode().put("index", index);
    choice.putObject("delta").put("role", "assistant").put("content", "");
    choice.putNull("logprobs").putNull("finish_reason");
    if (request.options().returnTokenIds()) {
      choice.set("prompt_token_ids", Json.ids(request.prompt().ids()));
    }
    return frame.chunk(CHUNK, choice);
  }

  /** Chunks with {@code deltas}, the first of which has what is reported of {@code tokens}. */
  private List<ObjectNode> chunks(int index, List<ObjectNode> deltas, List<GeneratedToken> tokens) {
    boolean tokensMatter = !tokens.isEmpty() && (request.options().returnTokenIds() || request.logprobs() >= 0);
    List<ObjectNode> all = deltas.isEmpty() && tokensMatter
        ? List.of(Json.NODES.objectNode().put("content", ""))
        : deltas;
    List<ObjectNode> chunks = new ArrayList<>(all.size());
    for (ObjectNode delta : all) {
      List<GeneratedToken> reported = chunks.isEmpty() ? tokens : List.of();
      ObjectNode choice = Json.NODES.objectNode().put("index", index);
      choice.set("delta", delta);
      addLogprobs(choice, reported);
      choice.putNull("finish_reason");
      if (request.options().returnTokenIds()) {
        choice.set("token_ids", Json.ids(reported));
      }
      chunks.add(frame.chunk(CHUNK, choice));
    }
    return chunks;
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
