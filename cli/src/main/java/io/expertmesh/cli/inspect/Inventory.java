package io.expertmesh.cli.inspect;

import io.expertmesh.kernels.DType;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.checkpoint.Synth;
import io.expertmesh.model.checkpoint.Tensor;
import io.expertmesh.model.family.TensorPlan;
import io.expertmesh.model.release.Release;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The tensors that make a model up, as they are stored.
 *
 * @param tensors those that the model uses
 * @param ignoredBytes of tensors that answers do not depend on
 */
record Inventory(List<Entry> tensors, long ignoredBytes) {
  private static final Map<String, DType> USUAL_TYPES = Map.of("bf16", DType.BF16, "q8_0", DType.Q8_0, "q4_0",
      DType.Q4_0);
  private static final int MX_BLOCK = 32;
  private static final int FP8_BLOCK = 128;

  /**
   * @param bytes with their scales
   * @param ofExperts whether it belongs to the experts
   */
  record Entry(String name, DType dtype, List<Long> shape, long bytes, boolean ofExperts) {
    long parameters() {
      return shape.stream().reduce(1L, Math::multiplyExact);
    }
  }

  /** Tensors of one kind. */
  record Amount(int tensors, long parameters, long bytes) {
    Amount plus(Amount other) {
      return new Amount(tensors + other.tensors, parameters + other.parameters, bytes + other.bytes);
    }
  }

  /**
   * Tensors that differ only in the numbers of layer and expert.
   *
   * @param name with N for the layer and E for the expert
   */
  record Kind(String name, String dtype, List<Long> shape, int count) {}

  /** What {@code checkpoint} stores of the tensors in {@code plan}. */
  static Inventory of(Checkpoint checkpoint, TensorPlan plan) {
    List<Entry> entries = new ArrayList<>();
    long ignored = 0;
    for (Tensor tensor : checkpoint.tensors().values()) {
      TensorPlan.Wanted wanted = plan.tensors().get(tensor.name());
      if (wanted != null) {
        entries.add(
            new Entry(tensor.name(), tensor.dtype(), tensor.shape(), tensor.bytes(), wanted.ofExperts()));
      } else if (plan.ignores(tensor.name())) {
        ignored += tensor.bytes();
      }
    }
    return new Inventory(entries, ignored);
  }

  /** What is stored of {@code plan}, which is that of {@code release}, in the type that it is released in. */
  static Inventory of(Release release, TensorPlan plan) {
    DType released = release.dtype();
    return new Inventory(plan.tensors().values().stream().map(tensor -> {
      DType dtype = Synth.storedType(new Synth.TensorShape(tensor.name(), tensor.shape()), released);
      long scales = switch (dtype) {
        case F4_E2M1 -> tensor.elements() / MX_BLOCK;
        case F8_E4M3 -> DType.F32.bytes(Math.ceilDiv(tensor.shape().get(0), (long) FP8_BLOCK)
            * Math.ceilDiv(tensor.shape().get(1), (long) FP8_BLOCK));
        default -> 0;
      };
      return new Entry(tensor.name(), dtype, tensor.shape(), dtype.bytes(tensor.elements()) + scales,
          tensor.ofExperts());
    }).toList(), 0);
  }

  long bytes() {
    return tensors.stream().mapToLong(Entry::bytes).sum();
  }

  long expertBytes() {
    return tensors.stream().filter(Entry::ofExperts).mapToLong(Entry::bytes).sum();
  }

  /**
   * Bytes of the experts if expert processes hold their matrices as {@code dtype}; rows that are not a whole number of
   * its blocks stay as they are, and so do biases.
   */
  long expertBytesAs(DType dtype) {
    return tensors.stream().filter(Entry::ofExperts).mapToLong(tensor -> {
      boolean matrix = tensor.shape().size() > 1 && !tensor.name().endsWith("bias");
      return matrix && tensor.shape().getLast() % dtype.blockElements() == 0
          ? dtype.bytes(tensor.parameters())
          : tensor.bytes();
    }).sum();
  }

  /** Bytes of the tensor {@code name}; 0 if there is none. */
  long bytes(String name) {
    return tensors.stream().filter(entry -> entry.name().equals(name)).mapToLong(Entry::bytes).sum();
  }

  Map<String, Amount> byType() {
    Map<String, Amount> types = new LinkedHashMap<>();
    for (Entry tensor : tensors) {
      types.merge(tensor.dtype().name(), new Amount(1, tensor.parameters(), tensor.bytes()), Amount::plus);
    }
    return types;
  }

  /** Bytes if matrices had one of the usual types; vectors stay F32 beside blocks, as GGUF files have them. */
  Map<String, Long> asOtherTypes() {
    Map<String, Long> sizes = new TreeMap<>();
    USUAL_TYPES.forEach((label, type) -> sizes.put(label, tensors.stream().mapToLong(tensor -> {
      boolean fits = tensor.shape().size() > 1 && tensor.shape().getLast() % type.blockElements() == 0;
      DType other = type.blockElements() == 1 || fits ? type : DType.F32;
      return other.bytes(tensor.parameters());
    }).sum()));
    return sizes;
  }

  List<Kind> kinds() {
    Map<Kind, Integer> kinds = new LinkedHashMap<>();
    for (Entry tensor : tensors) {
      kinds.merge(new Kind(generalName(tensor.name()), tensor.dtype().name(), tensor.shape(), 1), 1, Integer::sum);
    }
    List<Kind> counted = new ArrayList<>();
    kinds.forEach((kind, count) -> counted.add(new Kind(kind.name, kind.dtype, kind.shape, count)));
    return counted;
  }

  private static String generalName(String name) {
    return name.replaceAll("\\.(layers|block)\\.\\d+\\.", ".$1.N.").replaceAll("\\.experts\\.(expert_)?\\d+\\.",
        ".experts.$1E.");
  }
}
