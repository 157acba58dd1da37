package io.expertmesh.engine.watch;

import io.expertmesh.model.failure.FailureException;
import org.jspecify.annotations.Nullable;

/**
 * Hears how one request fares, for its trace. Called on the engine's thread, which waits meanwhile, so it must be quick
 * and must not throw.
 */
public interface RequestWatch {
  /**
   * It takes part in steps from now on; once more each time it was preempted.
   *
   * @param reusedTokens of its prompt that the prefix cache had
   */
  void started(int reusedTokens);

  /** Its pages went to others: it waits to be started again. */
  void preempted();

  /** It keeps its pages and waits for experts. */
  void blocked(String reason);

  /** It takes part in steps again. */
  void unblocked();

  /**
   * A step with rows of it begins.
   *
   * @param rows of this request
   * @param stepRows of all requests of the step
   * @param requests that the step has rows of
   * @return who watches the step; null if nobody does
   */
  @Nullable
  StepWatch step(int rows, int stepRows, int requests);

  /** All of its prompt is computed. */
  void promptDone();

  /**
   * Something out of the ordinary about the experts that a step of it needs, such as a call that is repeated. May be
   * called on any thread.
   *
   * @param what in one or two words, always the same for the same kind
   * @param where the replica that it is about
   * @param reason for people
   */
  void incident(String what, int layer, String where, String reason);

  /** It is complete. */
  void finished(int generatedTokens);

  /** It was given up. */
  void failed(FailureException failure);
}
