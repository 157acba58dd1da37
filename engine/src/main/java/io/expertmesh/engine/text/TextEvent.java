package io.expertmesh.engine.text;

import io.expertmesh.engine.api.Degradation;
import io.expertmesh.engine.api.FinishReason;
import io.expertmesh.engine.api.TokenLogprobs;
import io.expertmesh.engine.api.TokenRouting;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What happens to an answer: at most one Prompt, Deltas, one End. */
public sealed interface TextEvent {
  /**
   * The whole prompt went through the model.
   *
   * @param logprobs one entry per prompt token if they were asked for, the first one null; otherwise empty
   * @param routing one entry per prompt token if it was asked for; otherwise empty
   */
  record Prompt(List<@Nullable TokenLogprobs> logprobs, List<TokenRouting> routing) implements TextEvent {}

  /**
   * The answer grew.
   *
   * @param text what became certain; empty while it is half a character or might be the beginning of a stop string
   * @param tokens the tokens that were generated, none or one
   */
  record Delta(String text, List<GeneratedToken> tokens) implements TextEvent {}

  /**
   * A token of the answer; the one that ended it (end of text, stop token) is among them although it has no text.
   *
   * @param offset UTF-16 code units of generated text before this token
   * @param logprobs if they were asked for
   */
  record GeneratedToken(int id, int offset, @Nullable TokenLogprobs logprobs) {}

  /**
   * The answer is complete.
   *
   * @param routing one entry per generated token that went through the model (the last one does not), if asked for
   * @param degraded what of the whole request was not computed as the model says, by ascending layer
   */
  record End(FinishReason reason, Usage usage, List<TokenRouting> routing,
      List<Degradation> degraded) implements TextEvent {}

  /**
   * Tokens of one answer.
   *
   * @param reused prompt tokens whose keys and values came from the prefix cache
   */
  record Usage(int prompt, int generated, int reused) {}
}
