package io.expertmesh.engine.text;

import io.expertmesh.engine.api.FinishReason;
import io.expertmesh.engine.api.Generation;
import io.expertmesh.engine.api.GenerationEngine;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.TokenRouting;
import io.expertmesh.engine.text.TextEvent.GeneratedToken;
import io.expertmesh.engine.text.TextEvent.Usage;
import io.expertmesh.model.tokenizer.StreamingDetokenizer;
import io.expertmesh.model.tokenizer.Tokenizer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/** One running request, as text. Special tokens have no text. Not thread-safe; closing it cancels the request. */
public final class TextGeneration implements AutoCloseable {
  private final Generation generation;
  private final GenerationRequest request;
  private final StreamingDetokenizer detokenizer;
  private final StopStrings stops;
  private final Queue<TextEvent> ready = new ArrayDeque<>();
  private int generated;
  private int generatedChars;
  private int reused;

  private TextGeneration(Generation generation, GenerationRequest request, StreamingDetokenizer detokenizer,
      StopStrings stops) {
    this.generation = generation;
    this.request = request;
    this.detokenizer = detokenizer;
    this.stops = stops;
  }

  /**
   * Queues a request.
   *
   * @param stopStrings text that ends the answer and is not part of it; none may be empty
   * @param continues whether the answer goes on with the prompt's text, so that a space between them is shown, or is a
   *     text of its own
   * @throws io.expertmesh.model.failure.FailureException as {@link GenerationEngine#submit} does
   */
  public static TextGeneration start(GenerationEngine engine, Tokenizer tokenizer, GenerationRequest request,
      List<String> stopStrings, boolean continues) {
    return start(engine, tokenizer, request, stopStrings, continues, Map.of());
  }

  /**
   * As {@link #start(GenerationEngine, Tokenizer, GenerationRequest, List, boolean)}.
   *
   * @param marks special tokens that have a text all the same
   */
  public static TextGeneration start(GenerationEngine engine, Tokenizer tokenizer, GenerationRequest request,
      List<String> stopStrings, boolean continues, Map<Integer, String> marks) {
    Generation generation = engine.submit(request);
    StreamingDetokenizer plain = continues && hasText(tokenizer, request.promptIds())
        ? tokenizer.continuing(true)
        : tokenizer.streaming(true);
    StreamingDetokenizer detokenizer = marks.isEmpty() ? plain : new MarkedDetokenizer(plain, marks);
    return new TextGeneration(generation, request, detokenizer, new StopStrings(stopStrings));
  }

  /** Whether there is more than BOS and the like. */
  private static boolean hasText(Tokenizer tokenizer, int[] ids) {
    for (int id : ids) {
      if (id < tokenizer.size() && !tokenizer.isSpecial(id)) {
        return true;
      }
    }
    return false;
  }

  /**
   * The next event, waiting for it.
   *
   * @return null if {@code timeout} passed without one
   * @throws io.expertmesh.model.failure.FailureException if the engine gave the request up
   */
  public @Nullable TextEvent next(Duration timeout) throws InterruptedException {
    while (ready.isEmpty()) {
      GenerationEvent event = generation.next(timeout);
      if (event == null) {
        return null;
      }
      take(event);
    }
    return ready.remove();
  }

  private void take(GenerationEvent event) {
    switch (event) {
      case GenerationEvent.PromptDone prompt -> {
        reused = prompt.reusedTokens();
        ready.add(new TextEvent.Prompt(prompt.logprobs(), prompt.routing()));
      }
      case GenerationEvent.Token token -> {
        if (!stops.reached()) {
          take(token);
        }
      }
      case GenerationEvent.Finished finished -> finish(finished);
      case GenerationEvent.Failed failed -> throw failed.failure();
    }
  }

  private void take(GenerationEvent.Token token) {
    generated++;
    GeneratedToken generatedToken = new GeneratedToken(token.id(), generatedChars, token.logprobs());
    String text = "";
    if (!request.stopTokenIds().contains(token.id())) {
      String piece = detokenizer.next(token.id());
      generatedChars += piece.length();
      text = stops.append(piece);
    }
    ready.add(new TextEvent.Delta(text, List.of(generatedToken)));
    if (stops.reached()) {
      generation.stop();
    }
  }

  private void finish(GenerationEvent.Finished finished) {
    String rest = stops.append(detokenizer.flush()) + stops.flush();
    if (!rest.isEmpty()) {
      ready.add(new TextEvent.Delta(rest, List.of()));
    }
    List<TokenRouting> routing = finished.generatedRouting();
    int routed = Math.clamp(generated - 1, 0, routing.size());
    ready.add(new TextEvent.End(stops.reached() ? FinishReason.STOP : finished.reason(),
        new Usage(finished.promptTokens(), generated, reused), routing.subList(0, routed),
        finished.degraded()));
  }

  @Override
  public void close() {
    generation.close();
  }
}
