package io.expertmesh.model.checkpoint;

/** Told how far long work on files has come; called from the thread that works, often. */
@FunctionalInterface
public interface Progress {
  /** Tells nobody. */
  Progress NONE = (task, done, total) -> {};

  /**
   * @param task what is worked on, such as a file's name
   * @param doneBytes bytes done of this task
   * @param totalBytes bytes of this task in total
   */
  void update(String task, long doneBytes, long totalBytes);
}
