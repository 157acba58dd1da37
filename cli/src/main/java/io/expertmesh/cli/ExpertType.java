package io.expertmesh.cli;

import io.expertmesh.kernels.DType;
import org.jspecify.annotations.Nullable;

/** Types that experts can be held in, as users write them. */
enum ExpertType {
  /** The model's. */
  stored(null), q8_0(DType.Q8_0), q4_0(DType.Q4_0), f16(DType.F16), bf16(DType.BF16);

  private final @Nullable DType dtype;

  ExpertType(@Nullable DType dtype) {
    this.dtype = dtype;
  }

  /** Null for the model's. */
  @Nullable
  DType dtype() {
    return dtype;
  }
}
