package io.expertmesh.gateway.grpc;

import io.expertmesh.engine.api.TokenLogprobs;
import io.expertmesh.engine.text.TextEvent;
import io.expertmesh.gateway.openai.SingleAnswers.SingleAnswer;
import io.expertmesh.proto.v1.Degradation;
import io.expertmesh.proto.v1.Delta;
import io.expertmesh.proto.v1.End;
import io.expertmesh.proto.v1.FinishReason;
import io.expertmesh.proto.v1.GenerateResponse;
import io.expertmesh.proto.v1.GeneratedToken;
import io.expertmesh.proto.v1.LayerRouting;
import io.expertmesh.proto.v1.PromptProcessed;
import io.expertmesh.proto.v1.TokenAlternative;
import io.expertmesh.proto.v1.TokenRouting;

/** What happens to an answer, as messages. */
final class GenerateReplies {
  private GenerateReplies() {}

  static GenerateResponse of(TextEvent event, SingleAnswer answer) {
    GenerateResponse.Builder response = GenerateResponse.newBuilder();
    return switch (event) {
      case TextEvent.Prompt prompt -> response.setPrompt(prompt(prompt, answer.generation().promptIds())).build();
      case TextEvent.Delta delta -> response.setDelta(delta(delta)).build();
      case TextEvent.End end -> response.setEnd(end(end, answer.version().name())).build();
    };
  }

  private static PromptProcessed prompt(TextEvent.Prompt prompt, int[] promptIds) {
    PromptProcessed.Builder message = PromptProcessed.newBuilder();
    for (int id : promptIds) {
      message.addTokenIds(id);
    }
    prompt.routing().forEach(token -> message.addRouting(routing(token)));
    return message.build();
  }

  private static Delta delta(TextEvent.Delta delta) {
    Delta.Builder message = Delta.newBuilder().setText(delta.text());
    delta.tokens().forEach(token -> message.addTokens(token(token)));
    return message.build();
  }

  private static GeneratedToken token(TextEvent.GeneratedToken token) {
    GeneratedToken.Builder message = GeneratedToken.newBuilder().setId(token.id());
    TokenLogprobs logprobs = token.logprobs();
    if (logprobs != null) {
      message.setLogprob(logprobs.logprob());
      for (TokenLogprobs.Alternative alternative : logprobs.top()) {
        message.addAlternatives(TokenAlternative.newBuilder().setId(alternative.tokenId())
            .setLogprob(alternative.logprob()));
      }
    }
    return message.build();
  }

  private static End end(TextEvent.End end, String version) {
    End.Builder message = End.newBuilder()
        .setReason(switch (end.reason()) {
          case STOP -> FinishReason.FINISH_REASON_STOP;
          case LENGTH -> FinishReason.FINISH_REASON_LENGTH;
        })
        .setPromptTokens(end.usage().prompt())
        .setReusedPromptTokens(end.usage().reused())
        .setGeneratedTokens(end.usage().generated())
        .setVersion(version);
    end.routing().forEach(token -> message.addRouting(routing(token)));
    end.degraded().forEach(degraded -> message.addDegraded(Degradation.newBuilder().setLayer(degraded.layer())
        .addAllExpertIds(degraded.experts())));
    return message.build();
  }

  private static TokenRouting routing(io.expertmesh.engine.api.TokenRouting token) {
    TokenRouting.Builder message = TokenRouting.newBuilder();
    for (int layer = 0; layer < token.experts().length; layer++) {
      LayerRouting.Builder one = LayerRouting.newBuilder();
      for (int rank = 0; rank < token.experts()[layer].length; rank++) {
        one.addExpertIds(token.experts()[layer][rank]).addWeights(token.weights()[layer][rank]);
      }
      message.addLayers(one);
    }
    return message.build();
  }
}
