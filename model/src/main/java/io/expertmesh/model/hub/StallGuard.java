package io.expertmesh.model.hub;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Closes a stream that has brought nothing for too long, so that its reader fails instead of waiting for ever. */
final class StallGuard implements AutoCloseable {
  private final Thread watcher;
  private volatile long lastNanos = System.nanoTime();
  private volatile boolean closed;

  StallGuard(InputStream stream, Duration timeout) {
    this.watcher = Thread.ofVirtual().name("download-stall-guard").start(() -> watch(stream, timeout.toNanos()));
  }

  void moved() {
    lastNanos = System.nanoTime();
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(watcher);
  }

  private void watch(InputStream stream, long timeoutNanos) {
    while (!closed) {
      long left = lastNanos + timeoutNanos - System.nanoTime();
      if (left > 0) {
        LockSupport.parkNanos(left);
        continue;
      }
      try {
        stream.close();
      } catch (IOException e) {
        // The reader sees the end of the stream all the same.
      }
      return;
    }
  }
}
