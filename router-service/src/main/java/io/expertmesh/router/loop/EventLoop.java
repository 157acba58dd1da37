package io.expertmesh.router.loop;

import java.time.Duration;
import java.util.concurrent.Executor;

/** The one thread that owns the router's state, and the time that it goes by. Tasks run one after the other. */
public interface EventLoop extends Executor {
  /** Monotonic time in nanoseconds. */
  long nanos();

  /** Milliseconds since 1970. */
  long millis();

  /** Runs {@code task} again and again until the loop ends. */
  void every(Duration period, Runnable task);
}
