package io.expertmesh.gateway.metrics;

import io.expertmesh.engine.text.TextEvent;
import io.micrometer.core.instrument.Timer;
import java.util.concurrent.TimeUnit;

/** Measures one answer. */
public final class AnswerTimes {
  private final Timer timeToFirstToken;
  private final Timer timePerOutputToken;
  private final long start = System.nanoTime();
  private long first;
  private long last;
  private int tokens;

  AnswerTimes(Timer timeToFirstToken, Timer timePerOutputToken) {
    this.timeToFirstToken = timeToFirstToken;
    this.timePerOutputToken = timePerOutputToken;
  }

  public void observe(TextEvent event) {
    switch (event) {
      case TextEvent.Prompt prompt -> {
      }
      case TextEvent.Delta delta when delta.tokens().isEmpty() -> {
      }
      case TextEvent.Delta delta -> token(delta.tokens().size());
      case TextEvent.End end when tokens > 1 ->
        timePerOutputToken.record((last - first) / (tokens - 1), TimeUnit.NANOSECONDS);
      case TextEvent.End end -> {
      }
    }
  }

  private void token(int count) {
    last = System.nanoTime();
    if (tokens == 0) {
      first = last;
      timeToFirstToken.record(first - start, TimeUnit.NANOSECONDS);
    }
    tokens += count;
  }
}
