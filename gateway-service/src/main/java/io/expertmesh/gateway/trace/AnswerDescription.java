package io.expertmesh.gateway.trace;

import io.expertmesh.engine.api.FinishReason;
import io.opentelemetry.api.trace.Span;
import java.util.List;
import java.util.Locale;

/**
 * What is generated, as the request's span says it, by OpenTelemetry's conventions for generative AI; never what was
 * said.
 *
 * @param operation {@code chat} or {@code text_completion}
 * @param model as clients call it
 * @param version of the model
 * @param id of the response
 * @param answers how many there are
 * @param maxTokens of each answer
 */
public record AnswerDescription(String operation, String model, String version, String id, int answers,
    int maxTokens) {
  /** Tells the current span before the answer is generated. */
  public void tell() {
    Span span = Span.current();
    if (!span.isRecording()) {
      return;
    }
    span.setAttribute(AttributeNames.OPERATION, operation)
        .setAttribute(AttributeNames.PROVIDER, "expertmesh")
        .setAttribute(AttributeNames.REQUEST_MODEL, model)
        .setAttribute(AttributeNames.RESPONSE_MODEL, model)
        .setAttribute(AttributeNames.VERSION, version)
        .setAttribute(AttributeNames.RESPONSE_ID, id)
        .setAttribute(AttributeNames.MAX_TOKENS, (long) maxTokens);
    if (answers != 1) {
      span.setAttribute(AttributeNames.CHOICES, (long) answers);
    }
  }

  /**
   * Tells the current span what it came to.
   *
   * @param finishReasons of the answers that are complete
   */
  public static void tellEnd(int promptTokens, int generatedTokens, List<FinishReason> finishReasons) {
    Span span = Span.current();
    if (!span.isRecording()) {
      return;
    }
    span.setAttribute(AttributeNames.INPUT_TOKENS, (long) promptTokens)
        .setAttribute(AttributeNames.OUTPUT_TOKENS, (long) generatedTokens)
        .setAttribute(AttributeNames.FINISH_REASONS,
            finishReasons.stream().map(reason -> reason.name().toLowerCase(Locale.ROOT)).toList());
  }
}
