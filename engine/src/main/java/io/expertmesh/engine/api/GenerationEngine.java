package io.expertmesh.engine.api;

/** Runs generation requests for one model, many at a time. Thread-safe. */
public interface GenerationEngine extends AutoCloseable {
  /**
   * Queues a request. The returned generation must be closed, which also cancels it.
   *
   * @throws io.expertmesh.model.failure.FailureException INVALID_REQUEST or TOO_LARGE if it can never run, OVERLOADED
   *     if the queue is full, UNAVAILABLE if the engine is shutting down
   */
  Generation submit(GenerationRequest request);

  EngineLoad load();

  /** Per MoE layer and expert: token rows routed there since the start; (moeLayers, experts). */
  long[][] tokensPerExpert();

  /** Stops taking requests and waits until those that run have finished or {@code timeout} is over; then cancels the rest. */
  void drain(java.time.Duration timeout) throws InterruptedException;

  @Override
  void close();
}
