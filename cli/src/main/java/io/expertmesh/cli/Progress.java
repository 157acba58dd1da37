package io.expertmesh.cli;

import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** A progress bar on standard error where that is a terminal, and nothing elsewhere. */
final class Progress implements AutoCloseable {
  /** Set by the launcher. */
  private static final boolean TERMINAL = Boolean.getBoolean("expertmesh.stderr.terminal");

  private final @Nullable ProgressBar bar;

  private Progress(@Nullable ProgressBar bar) {
    this.bar = bar;
  }

  static Progress steps(String task, long steps) {
    return new Progress(TERMINAL ? builder(task, steps).build() : null);
  }

  static Progress bytes(String task, long bytes) {
    return new Progress(TERMINAL ? builder(task, bytes).setUnit(" MiB", 1 << 20).showSpeed().build() : null);
  }

  private static ProgressBarBuilder builder(String task, long max) {
    return new ProgressBarBuilder()
        .setTaskName(task)
        .setInitialMax(max)
        .setStyle(ProgressBarStyle.COLORFUL_UNICODE_BAR)
        .clearDisplayOnFinish()
        .setUpdateIntervalMillis(200);
  }

  void step() {
    if (bar != null) {
      bar.step();
    }
  }

  void reached(long amount) {
    if (bar != null) {
      bar.stepTo(amount);
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
