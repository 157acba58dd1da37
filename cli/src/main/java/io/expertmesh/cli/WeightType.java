package io.expertmesh.cli;

import io.expertmesh.kernels.DType;

/** Types that weights can be written in, as users write them. */
enum WeightType {
  q8_0(DType.Q8_0), q4_0(DType.Q4_0), f16(DType.F16), bf16(DType.BF16), f32(DType.F32);

  private final DType dtype;

  WeightType(DType dtype) {
    this.dtype = dtype;
  }

  DType dtype() {
    return dtype;
  }
}
