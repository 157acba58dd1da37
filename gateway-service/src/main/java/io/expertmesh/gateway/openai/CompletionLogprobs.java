package io.expertmesh.gateway.openai;

import io.expertmesh.engine.api.TokenLogprobs;
import io.expertmesh.engine.text.TextEvent.GeneratedToken;
import io.expertmesh.model.tokenizer.StreamingDetokenizer;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Log-probabilities as {@code /v1/completions} has them: four lists, one entry per token. */
final class CompletionLogprobs {
  /** JSON has no infinity. */
  static final float LOWEST = -9999;

  private final TokenText tokenText;
  private final ObjectNode node = Json.NODES.objectNode();
  private final ArrayNode offsets = node.putArray("text_offset");
  private final ArrayNode logprobs = node.putArray("token_logprobs");
  private final ArrayNode tokens = node.putArray("tokens");
  private final ArrayNode top = node.putArray("top_logprobs");

  CompletionLogprobs(TokenText tokenText) {
    this.tokenText = tokenText;
  }

  /** @param promptLogprobs one entry per prompt token, the first one null */
  void addPrompt(int[] ids, List<@Nullable TokenLogprobs> promptLogprobs) {
    StreamingDetokenizer detokenizer = tokenText.tokenizer().streaming(false);
    int offset = 0;
    for (int i = 0; i < ids.length; i++) {
      add(ids[i], offset, promptLogprobs.get(i));
      offset += detokenizer.next(ids[i]).length();
    }
  }

  /** @param textBefore characters of the response's text before the generated ones */
  void addGenerated(List<GeneratedToken> generated, int textBefore) {
    for (GeneratedToken token : generated) {
      add(token.id(), textBefore + token.offset(), token.logprobs());
    }
  }

  private void add(int id, int offset, @Nullable TokenLogprobs token) {
    offsets.add(offset);
    tokens.add(tokenText.text(id));
    if (token == null) {
      logprobs.addNull();
      top.addNull();
      return;
    }
    logprobs.add(finite(token.logprob()));
    ObjectNode alternatives = top.addObject();
    for (TokenLogprobs.Alternative alternative : token.top()) {
      String text = tokenText.text(alternative.tokenId());
      if (!alternatives.has(text)) {
        alternatives.put(text, finite(alternative.logprob()));
      }
    }
    if (!alternatives.has(tokenText.text(id))) {
      alternatives.put(tokenText.text(id), finite(token.logprob()));
    }
  }

  static float finite(float logprob) {
    return Math.max(logprob, LOWEST);
  }

  ObjectNode node() {
    return node;
  }
}
