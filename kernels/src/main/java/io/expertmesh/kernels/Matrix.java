package io.expertmesh.kernels;

/**
 * A weight matrix in whatever layout the kernels that prepared it read: (rows, cols), one row per output.
 *
 * <p>{@link WeightMatrix} is the checkpoint's own layout; {@link Kernels#prepare} may turn it into a packed one.
 */
public interface Matrix {
  /** Name of the tensor in the checkpoint, for messages. */
  String name();

  DType dtype();

  /** Number of outputs. */
  int rows();

  /** Number of inputs. */
  int cols();
}
