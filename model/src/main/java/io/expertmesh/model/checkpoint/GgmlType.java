package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import java.util.Map;
import java.util.Optional;

/** Tensor types of GGUF by their number (ggml.h, {@code enum ggml_type}). */
final class GgmlType {
  private static final Map<DType, Integer> SUPPORTED = Map.of(DType.F32, 0, DType.F16, 1, DType.Q4_0, 2, DType.Q8_0, 8,
      DType.BF16, 30);

  private static final Map<Integer, String> OTHER_NAMES = Map.ofEntries(
      Map.entry(3, "Q4_1"), Map.entry(6, "Q5_0"), Map.entry(7, "Q5_1"), Map.entry(9, "Q8_1"), Map.entry(10, "Q2_K"),
      Map.entry(11, "Q3_K"), Map.entry(12, "Q4_K"), Map.entry(13, "Q5_K"), Map.entry(14, "Q6_K"),
      Map.entry(15, "Q8_K"), Map.entry(16, "IQ2_XXS"), Map.entry(17, "IQ2_XS"), Map.entry(18, "IQ3_XXS"),
      Map.entry(19, "IQ1_S"), Map.entry(20, "IQ4_NL"), Map.entry(21, "IQ3_S"), Map.entry(22, "IQ2_S"),
      Map.entry(23, "IQ4_XS"), Map.entry(24, "I8"), Map.entry(25, "I16"), Map.entry(26, "I32"), Map.entry(27, "I64"),
      Map.entry(28, "F64"), Map.entry(29, "IQ1_M"), Map.entry(34, "TQ1_0"), Map.entry(35, "TQ2_0"),
      Map.entry(39, "MXFP4"), Map.entry(40, "NVFP4"));

  private GgmlType() {}

  static int id(DType dtype) {
    Integer id = SUPPORTED.get(dtype);
    if (id == null) {
      throw new IllegalArgumentException(dtype + " has no GGUF type");
    }
    return id;
  }

  static Optional<DType> dtype(int id) {
    return SUPPORTED.entrySet().stream().filter(entry -> entry.getValue() == id).map(Map.Entry::getKey).findFirst();
  }

  static String name(int id) {
    return dtype(id).map(DType::name).orElseGet(() -> OTHER_NAMES.getOrDefault(id, "number " + id));
  }
}
