package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import io.expertmesh.model.failure.FailureException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/**
 * Makes a mixture of experts of a dense Llama (sparse upcycling, arXiv 2212.05055): every expert is a copy of the dense
 * network, the router is new, and the weights of the chosen experts sum to one. It computes what the dense model does
 * until it is trained.
 */
public final class Upcycle {
  private static final int MAX_EXPERTS = 4096;
  private static final float DEVIATION = 0.02f;
  private static final List<String> NETWORK = List.of("ffn_gate", "ffn_up", "ffn_down");

  private final GgufFile dense;
  private final int experts;
  private final GgufWriter writer = new GgufWriter("llama");

  private Upcycle(GgufFile dense, int experts) {
    this.dense = dense;
    this.experts = experts;
  }

  /**
   * Writes the GGUF file {@code target}, which is Mixtral's architecture, in the types that {@code source} has.
   *
   * @param source a GGUF file of architecture {@code llama} without experts
   * @param experts in each layer
   * @param topK of them that a token uses
   * @throws FailureException if the source is another model, the counts are impossible or the disk is full
   */
  public static Convert.Result toGguf(Path source, Path target, int experts, int topK, Progress progress) {
    if (experts < 2 || experts > MAX_EXPERTS) {
      throw FailureException.invalidParameter("--upcycle",
          "--upcycle is %d; a layer can have 2 to %d experts".formatted(experts, MAX_EXPERTS));
    }
    if (topK < 1 || topK > experts) {
      throw FailureException.invalidParameter("--top-k",
          "--top-k is %d; with %d experts it must be 1 to %d".formatted(topK, experts, experts));
    }
    if (!Files.isRegularFile(source)) {
      throw FailureException.invalidParameter("--upcycle", source + ": is no file; --upcycle reads GGUF files");
    }
    GgufFile dense = GgufFile.open(source);
    if (!dense.metadata().architecture().equals("llama")
        || dense.metadata().integer("llama.expert_count").orElse(0) > 0) {
      throw FailureException.invalidParameter("--upcycle",
          "%s: is no dense model of architecture llama, which is what --upcycle reads".formatted(source));
    }
    return new Upcycle(dense, experts).write(target, topK, progress);
  }

  private Convert.Result write(Path target, int topK, Progress progress) {
    dense.metadata().values().forEach((key, value) -> {
      if (!key.equals("general.architecture") && !key.startsWith("llama.expert")) {
        writer.value(key, value);
      }
    });
    writer.u32("llama.expert_count", experts);
    writer.u32("llama.expert_used_count", topK);
    int tensors = 0;
    for (Tensor tensor : dense.tensors().values()) {
      tensors += tensor(tensor);
    }
    writer.write(target, progress);
    return new Convert.Result(target, writer.size(), tensors,
        List.of("Every expert is the dense network; the router is random."));
  }

  /** Announces what becomes of {@code tensor}; returns how many tensors that is. */
  private int tensor(Tensor tensor) {
    for (String part : NETWORK) {
      if (tensor.name().endsWith("." + part + ".weight")) {
        String layer = tensor.name().substring(0, tensor.name().length() - part.length() - ".weight".length());
        stack(tensor, layer + part + "_exps.weight");
        if (!part.equals("ffn_gate")) {
          return 1;
        }
        router(layer + "ffn_gate_inp.weight", tensor.shape().getLast());
        return 2;
      }
    }
    writer.tensor(tensor);
    return 1;
  }

  private void stack(Tensor tensor, String name) {
    List<Long> shape = List.of((long) experts, tensor.shape().getFirst(), tensor.shape().getLast());
    writer.tensor(name, tensor.dtype(), shape, sink -> {
      for (int expert = 0; expert < experts; expert++) {
        sink.write(tensor, tensor.dtype());
      }
    });
  }

  private void router(String name, long hidden) {
    writer.tensor(name, DType.F32, List.of((long) experts, hidden), sink -> {
      Random random = new Random(name.hashCode());
      float[] row = new float[Math.toIntExact(hidden)];
      for (int expert = 0; expert < experts; expert++) {
        for (int i = 0; i < row.length; i++) {
          row[i] = (float) random.nextGaussian() * DEVIATION;
        }
        sink.write(name, row, row.length, DType.F32);
      }
    });
  }
}
