package io.expertmesh.engine.text;

import io.expertmesh.engine.api.GenerationRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Several answers that are generated side by side. Not thread-safe; closing it cancels those that still run. */
public final class TextGenerations implements AutoCloseable {
  /** How long to wait for one answer before looking at the others. */
  private static final Duration TURN = Duration.ofMillis(10);

  private final List<TextGeneration> all = new ArrayList<>();
  private final List<Integer> running = new ArrayList<>();
  private int turn;

  private TextGenerations() {}

  /**
   * Queues all requests; if one is refused, the others are cancelled.
   *
   * @param continues as {@link TextGeneration#start} has it
   * @param marks special tokens that have a text all the same
   * @throws io.expertmesh.model.failure.FailureException as {@link TextGeneration#start} does
   */
  public static TextGenerations start(ServedModel model, List<GenerationRequest> requests, List<String> stopStrings,
      boolean continues, Map<Integer, String> marks) {
    TextGenerations generations = new TextGenerations();
    try {
      for (GenerationRequest request : requests) {
        generations.running.add(generations.all.size());
        generations.all.add(TextGeneration.start(model.engine(), model.tokenizer(), request, stopStrings,
            continues, marks));
      }
    } catch (RuntimeException refused) {
      generations.close();
      throw refused;
    }
    return generations;
  }

  /** An event and the number of the request that it belongs to. */
  public record Indexed(int index, TextEvent event) {}

  /** Whether every answer is complete. */
  public boolean finished() {
    return running.isEmpty();
  }

  /**
   * The next event of any answer, waiting for it. Events of one answer come in their order.
   *
   * @return null if {@code timeout} passed without one
   * @throws io.expertmesh.model.failure.FailureException if the engine gave one of the requests up
   * @throws IllegalStateException if all are finished
   */
  public @Nullable Indexed next(Duration timeout) throws InterruptedException {
    if (running.isEmpty()) {
      throw new IllegalStateException("all answers are complete");
    }
    long deadline = System.nanoTime() + timeout.toNanos();
    while (true) {
      Indexed event = poll();
      long left = deadline - System.nanoTime();
      if (event != null || left <= 0) {
        return event;
      }
      event = next(turn, running.size() == 1 || left < TURN.toNanos() ? Duration.ofNanos(left) : TURN);
      if (event != null) {
        return event;
      }
    }
  }

  /** An event that is there already, taking turns among the answers. */
  private @Nullable Indexed poll() throws InterruptedException {
    for (int i = 0; i < running.size(); i++) {
      turn = (turn + 1) % running.size();
      Indexed event = next(turn, Duration.ZERO);
      if (event != null) {
        return event;
      }
    }
    return null;
  }

  private @Nullable Indexed next(int position, Duration timeout) throws InterruptedException {
    int index = running.get(position);
    TextEvent event = all.get(index).next(timeout);
    if (event == null) {
      return null;
    }
    if (event instanceof TextEvent.End) {
      running.remove(Integer.valueOf(index));
      turn = 0;
    }
    return new Indexed(index, event);
  }

  @Override
  public void close() {
    all.forEach(TextGeneration::close);
  }
}
