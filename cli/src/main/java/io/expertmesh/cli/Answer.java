package io.expertmesh.cli;

import io.expertmesh.engine.api.FinishReason;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.engine.text.TextEvent;
import io.expertmesh.engine.text.TextGeneration;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One answer, printed as it was generated.
 *
 * @param finish why it ended; null if it was cancelled
 */
record Answer(String text, @Nullable FinishReason finish) {
  private static final Duration LOOK_FOR_CANCEL = Duration.ofMillis(50);

  /**
   * Generates an answer and writes each piece of it to {@code out} at once, until it ends or is cancelled.
   *
   * @param continues whether it goes on with the prompt's text or is a text of its own
   */
  static Answer stream(ServedModel model, GenerationRequest request, List<String> stop, boolean continues,
      PrintWriter out, BooleanSupplier cancelled) throws InterruptedException {
    StringBuilder text = new StringBuilder();
    try (TextGeneration generation = TextGeneration.start(model.engine(), model.tokenizer(), request, stop,
        continues)) {
      while (!cancelled.getAsBoolean()) {
        switch (generation.next(LOOK_FOR_CANCEL)) {
          case TextEvent.Delta delta -> {
            text.append(delta.text());
            out.print(delta.text());
            out.flush();
          }
          case TextEvent.End end -> {
            return new Answer(text.toString(), end.reason());
          }
          case TextEvent.Prompt _ -> {
            // nothing of it is printed
          }
          case null -> {
            // nothing came; look whether it was cancelled
          }
        }
      }
    }
    return new Answer(text.toString(), null);
  }
}
