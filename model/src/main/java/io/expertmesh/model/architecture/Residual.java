package io.expertmesh.model.architecture;

import org.jspecify.annotations.Nullable;

/**
 * A branch beside the residual stream: {@code x += scale * after(operation(before(x)))}.
 *
 * @param before null for none
 * @param after null for none
 */
public record Residual(@Nullable Norm before, Operation operation, @Nullable Norm after, float scale) {
  /** {@code x += operation(norm(x))}. */
  public static Residual preNorm(Norm norm, Operation operation) {
    return new Residual(norm, operation, null, 1f);
  }

  /** {@code x += norm(operation(x))}. */
  public static Residual postNorm(Operation operation, Norm norm) {
    return new Residual(null, operation, norm, 1f);
  }
}
