package io.expertmesh.cli;

import io.expertmesh.model.checkpoint.Progress;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** A bar for each task on standard error where that is a terminal, and nothing elsewhere. Not thread-safe. */
final class ProgressBars implements Progress, AutoCloseable {
  /** Set by the launcher. */
  private static final boolean TERMINAL = Boolean.getBoolean("expertmesh.stderr.terminal");

  private final String unit;
  private final long unitSize;
  private String task = "";
  private @Nullable ProgressBar bar;

  private ProgressBars(String unit, long unitSize) {
    this.unit = unit;
    this.unitSize = unitSize;
  }

  static ProgressBars bytes() {
    return new ProgressBars(" MiB", 1 << 20);
  }

  static ProgressBars of(String unit) {
    return new ProgressBars(" " + unit, 1);
  }

  @Override
  public void update(String newTask, long done, long total) {
    if (!TERMINAL) {
      return;
    }
    if (bar == null || !task.equals(newTask)) {
      close();
      task = newTask;
      bar = new ProgressBarBuilder()
          .setTaskName(newTask)
          .setUnit(unit, unitSize)
          .setStyle(ProgressBarStyle.COLORFUL_UNICODE_BAR)
          .setUpdateIntervalMillis(200)
          .clearDisplayOnFinish()
          .build();
    }
    bar.maxHint(total);
    bar.stepTo(done);
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }
}
