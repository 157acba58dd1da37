package io.expertmesh.engine.api;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** One running request. Its events come in order: at most one PromptDone, Tokens, then one Finished or Failed. */
public interface Generation extends AutoCloseable {
  /**
   * The next event, waiting for it.
   *
   * @return null if {@code timeout} passed without one
   */
  @Nullable
  GenerationEvent next(Duration timeout) throws InterruptedException;

  /**
   * Ends the request with {@link FinishReason#STOP} as soon as its current step is over: for stop strings, which the
   * engine does not know. Tokens of that step still come, then Finished. Does nothing after the end.
   */
  void stop();

  /** Cancels what still runs and frees its cache pages at once. Does nothing after the end. */
  @Override
  void close();
}
