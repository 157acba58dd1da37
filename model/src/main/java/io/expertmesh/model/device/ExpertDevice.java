package io.expertmesh.model.device;

import io.expertmesh.kernels.Numerics;
import java.util.List;

/**
 * Computes the experts of a process: the CPU's cores, or an accelerator with memory of its own.
 *
 * <p>One thread calls {@link #forward}, {@link #release} and {@link #close}; another may {@link #load} meanwhile. So a
 * device that is not thread-safe guards itself against a load beside a forward, and nothing else.
 *
 * <p>A device that computes nothing any more says so with a failure UNAVAILABLE whose message has the reason: the
 * process then stops serving. A result that may be wrong is such a failure too; a device never falls back to something
 * else in silence.
 */
public interface ExpertDevice extends AutoCloseable {
  /** What people see, such as {@code cpu vector-512} or {@code tornado opencl: NVIDIA H100}. */
  String name();

  /** EXACT if results have the bits that {@link io.expertmesh.kernels.ExactMath} defines; FAST if not. */
  Numerics numerics();

  /**
   * Rows of an expert that run through different kernels, ascending, from 1 on: what is warmed up and compared with the
   * reference before the process serves.
   */
  List<Integer> rowCounts();

  /**
   * Says what will be loaded next, before anything of it is: a device with memory of its own decides here whether it
   * fits, and how it lies together. What was said before is forgotten.
   *
   * @param examples one expert of each layer
   * @param each experts of each of these layers that will be loaded
   * @throws io.expertmesh.model.failure.FailureException as {@link #load}; nothing has changed then
   */
  default void reserve(List<ExpertWeights> examples, int each) {}

  /** Whether it computes from the memory of the weights that it was given, which then stays until the release. */
  default boolean keepsWeights() {
    return true;
  }

  /**
   * Holds another expert, until it is released. The weights' memory is not needed after that, unless the device
   * {@link #keepsWeights}. All experts of a layer have the same shapes and types.
   *
   * @throws io.expertmesh.model.failure.FailureException TOO_LARGE if the device's memory does not suffice, with the
   *     bytes that are needed, taken and there; INVALID_REQUEST if it cannot compute with a type or an activation
   */
  LoadedExpert load(ExpertWeights weights);

  /**
   * One step of a layer: every expert over its own rows.
   *
   * @param experts of one layer, those that have rows, each once, and not released
   * @param starts expert i has the rows starts[i] to starts[i + 1] (exclusive); longer than needed
   * @param x (rows, hidden), grouped by expert; longer than needed
   * @param out (rows, hidden), likewise
   * @throws io.expertmesh.model.failure.FailureException UNAVAILABLE if the device has failed; what it has written to
   *     {@code out} is worth nothing then
   */
  void forward(List<LoadedExpert> experts, int[] starts, float[] x, float[] out);

  /** Gives up an expert and its memory. */
  void release(LoadedExpert expert);

  /** Gives up everything. */
  @Override
  void close();
}
