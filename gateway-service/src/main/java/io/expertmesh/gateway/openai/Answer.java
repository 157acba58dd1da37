package io.expertmesh.gateway.openai;

import io.expertmesh.engine.api.FinishReason;
import io.expertmesh.engine.api.TokenLogprobs;
import io.expertmesh.engine.api.TokenRouting;
import io.expertmesh.engine.text.TextEvent;
import io.expertmesh.engine.text.TextEvent.GeneratedToken;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One answer while it is generated: everything if it is sent as a whole, only what its end needs if it is streamed. */
final class Answer {
  private final boolean streamed;
  private final StringBuilder text = new StringBuilder();
  private final List<GeneratedToken> tokens = new ArrayList<>();
  private final List<TokenRouting> routing = new ArrayList<>();
  private List<@Nullable TokenLogprobs> promptLogprobs = List.of();
  private int generated;
  private TextEvent.@Nullable End end;

  Answer(boolean streamed) {
    this.streamed = streamed;
  }

  void add(TextEvent event) {
    switch (event) {
      case TextEvent.Prompt prompt -> {
        routing.addAll(prompt.routing());
        if (!streamed) {
          promptLogprobs = prompt.logprobs();
        }
      }
      case TextEvent.Delta delta -> {
        generated += delta.tokens().size();
        if (!streamed) {
          text.append(delta.text());
          tokens.addAll(delta.tokens());
        }
      }
      case TextEvent.End last -> {
        routing.addAll(last.routing());
        end = last;
      }
    }
  }

  String text() {
    return text.toString();
  }

  List<GeneratedToken> tokens() {
    return tokens;
  }

  List<@Nullable TokenLogprobs> promptLogprobs() {
    return promptLogprobs;
  }

  /** Where the tokens that went through the model were sent, prompt first. */
  List<TokenRouting> routing() {
    return routing;
  }

  /** Tokens generated so far. */
  int generated() {
    return generated;
  }

  /** Why it ended; null while it has not. */
  @Nullable
  FinishReason finishReason() {
    return end == null ? null : end.reason();
  }

  TextEvent.End end() {
    if (end == null) {
      throw new IllegalStateException("the answer is not complete");
    }
    return end;
  }
}
