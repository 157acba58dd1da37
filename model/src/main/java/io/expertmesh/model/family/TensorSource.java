package io.expertmesh.model.family;

import io.expertmesh.kernels.Matrix;
import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.decoder.FeedForwardWeights;

/**
 * What a model's weights are bound from, by name and shape: a checkpoint's tensors ({@link TensorBinder}), or nothing yet
 * ({@link TensorPlan}).
 */
public interface TensorSource {
  /** Whether there is such a tensor: asked where a checkpoint may have one form or another. */
  boolean has(String name);

  /** Whether it is in a block format, whose blocks run along the last dimension. */
  boolean inBlocks(String name);

  /** The matrix {@code name} of shape (rows, cols), as it is stored. */
  WeightMatrix stored(String name, int rows, int cols);

  /** The matrix {@code index} of the stacked tensor {@code name} of shape (count, rows, cols), as it is stored. */
  WeightMatrix stacked(String name, int index, int count, int rows, int cols);

  /** The vector {@code name} of {@code length} elements as f32. */
  float[] vector(String name, int length);

  /** Row {@code index} of the tensor {@code name} of shape (count, length) as f32. */
  float[] vector(String name, int index, int count, int length);

  /** The matrix {@code name} of shape (rows, cols), in the type that it is computed with. */
  WeightMatrix loaded(String name, int rows, int cols);

  /** Loads a matrix and puts it into the kernels' layout. */
  Matrix prepare(WeightMatrix stored);

  /** {@code count} rows from {@code first} on as columns, in F32, since rows of blocks cannot be turned. */
  Matrix prepareTransposed(WeightMatrix loaded, int first, int count);

  /** Loads a network and puts its matrices into the kernels' layout. */
  FeedForwardWeights prepare(StoredFeedForward stored);

  /** The matrix {@code name} of shape (rows, cols), in the kernels' layout. */
  default Matrix matrix(String name, int rows, int cols) {
    return prepare(stored(name, rows, cols));
  }
}
