package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What one tensor of a GGUF file is made of: parts of a Hugging Face checkpoint one after the other.
 *
 * @param shape slowest dimension first
 * @param dtype type of the first part
 */
record GgufTensorSource(List<Long> shape, DType dtype, List<Tensor> parts) {
  GgufTensorSource {
    shape = List.copyOf(shape);
    parts = List.copyOf(parts);
  }

  /** Finds the parts of each tensor, and knows which tensors were not needed. */
  static final class Finder {
    private final Checkpoint checkpoint;
    private final Set<String> used = new HashSet<>();

    Finder(Checkpoint checkpoint) {
      this.checkpoint = checkpoint;
    }

    GgufTensorSource find(String name) {
      Tensor tensor = tensor(name);
      if (tensor.elements() == 0 || tensor.shape().isEmpty()) {
        throw wrongShape(tensor);
      }
      return new GgufTensorSource(tensor.shape(), tensor.dtype(), List.of(tensor));
    }

    /**
     * All experts' matrices as one (experts, rows, cols), from whichever form the checkpoint has.
     *
     * @param name such as {@code model.layers.0.mlp.experts.up_proj}
     */
    GgufTensorSource experts(String name, int experts) {
      if (checkpoint.tensors().containsKey(name)) {
        return fused(name, experts);
      }
      int dot = name.lastIndexOf('.');
      String prefix = name.substring(0, dot);
      String projection = name.substring(dot + 1);
      String gateUp = prefix + ".gate_up_proj";
      if (!projection.equals("down_proj") && checkpoint.tensors().containsKey(gateUp)) {
        return half(gateUp, projection.equals("gate_proj"), experts);
      }
      List<Tensor> parts = new ArrayList<>();
      for (int expert = 0; expert < experts; expert++) {
        Tensor part = tensor("%s.%d.%s.weight".formatted(prefix, expert, projection));
        if (part.shape().size() != 2
            || !part.shape().equals(parts.isEmpty() ? part.shape() : parts.getFirst().shape())) {
          throw wrongShape(part);
        }
        parts.add(part);
      }
      Tensor first = parts.getFirst();
      return new GgufTensorSource(List.of((long) experts, first.shape().get(0), first.shape().get(1)), first.dtype(),
          parts);
    }

    /** {@code name} may be in the checkpoint and is not needed. */
    void ignore(String name) {
      used.add(name);
    }

    void refuseUnused() {
      for (Tensor tensor : checkpoint.tensors().values()) {
        if (!used.contains(tensor.name())) {
          throw InvalidCheckpoint.in(checkpoint.location(), "tensor %s is unknown to this model family"
              .formatted(tensor.name()));
        }
      }
    }

    private GgufTensorSource fused(String name, int experts) {
      Tensor tensor = tensor(name);
      if (tensor.shape().size() != 3 || tensor.shape().getFirst() != experts) {
        throw wrongShape(tensor);
      }
      return new GgufTensorSource(tensor.shape(), tensor.dtype(), List.of(tensor));
    }

    /** One half of (experts, 2 x rows, cols): the gate's rows come first. */
    private GgufTensorSource half(String name, boolean gate, int experts) {
      Tensor tensor = tensor(name);
      if (tensor.shape().size() != 3 || tensor.shape().getFirst() != experts || tensor.shape().get(1) % 2 != 0
          || !tensor.isPlain()) {
        throw wrongShape(tensor);
      }
      long rows = tensor.shape().get(1) / 2;
      long cols = tensor.shape().get(2);
      long bytes = tensor.dtype().bytes(rows * cols);
      List<Tensor> parts = new ArrayList<>();
      for (int expert = 0; expert < experts; expert++) {
        parts.add(new Tensor("%s[%d]".formatted(name, expert), tensor.dtype(), List.of(rows, cols),
            tensor.data().asSlice((2L * expert + (gate ? 0 : 1)) * bytes, bytes)));
      }
      return new GgufTensorSource(List.of((long) experts, rows, cols), tensor.dtype(), parts);
    }

    private Tensor tensor(String name) {
      Tensor tensor = checkpoint.tensors().get(name);
      if (tensor == null) {
        throw InvalidCheckpoint.in(checkpoint.location(), "tensor %s is missing".formatted(name));
      }
      used.add(name);
      return tensor;
    }

    private RuntimeException wrongShape(Tensor tensor) {
      return InvalidCheckpoint.in(checkpoint.location(), "tensor %s has the unexpected shape %s"
          .formatted(tensor.name(), tensor.shape()));
    }
  }
}
