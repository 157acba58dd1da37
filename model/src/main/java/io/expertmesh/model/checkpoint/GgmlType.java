package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Tensor types of GGUF by their number (ggml.h, {@code enum ggml_type}). */
final class GgmlType {
  private static final Map<DType, Integer> SUPPORTED = Map.ofEntries(
      Map.entry(DType.F32, 0), Map.entry(DType.F16, 1), Map.entry(DType.Q4_0, 2), Map.entry(DType.Q4_1, 3),
      Map.entry(DType.Q5_0, 6), Map.entry(DType.Q5_1, 7), Map.entry(DType.Q8_0, 8), Map.entry(DType.Q4_K, 12),
      Map.entry(DType.Q5_K, 13), Map.entry(DType.Q6_K, 14), Map.entry(DType.BF16, 30), Map.entry(DType.MXFP4, 39));

  private static final Map<Integer, String> OTHER_NAMES = Map.ofEntries(
      Map.entry(9, "Q8_1"), Map.entry(10, "Q2_K"), Map.entry(11, "Q3_K"), Map.entry(15, "Q8_K"),
      Map.entry(16, "IQ2_XXS"), Map.entry(17, "IQ2_XS"), Map.entry(18, "IQ3_XXS"), Map.entry(19, "IQ1_S"),
      Map.entry(20, "IQ4_NL"), Map.entry(21, "IQ3_S"), Map.entry(22, "IQ2_S"), Map.entry(23, "IQ4_XS"),
      Map.entry(24, "I8"), Map.entry(25, "I16"), Map.entry(26, "I32"), Map.entry(27, "I64"), Map.entry(28, "F64"),
      Map.entry(29, "IQ1_M"), Map.entry(34, "TQ1_0"), Map.entry(35, "TQ2_0"), Map.entry(40, "NVFP4"));

  private GgmlType() {}

  static boolean has(DType dtype) {
    return SUPPORTED.containsKey(dtype);
  }

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

  /** The types that are read, for messages. */
  static String supported() {
    return Arrays.stream(DType.values()).filter(SUPPORTED::containsKey).map(DType::name)
        .collect(Collectors.joining(", "));
  }

  static String name(int id) {
    return dtype(id).map(DType::name).orElseGet(() -> OTHER_NAMES.getOrDefault(id, "number " + id));
  }
}
