package io.expertmesh.cli;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.LatentAttention;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.architecture.Residual;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.checkpoint.Tensor;
import io.expertmesh.model.tokenizer.LoadedTokenizer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.annotation.JsonNaming;

/**
 * What is in a checkpoint.
 *
 * @param tokenizerSize ids that the tokenizer knows; null if there is no usable one
 * @param chatTemplate whether there is one
 * @param parameters weights of the model in total
 * @param activeParameters weights that take part in computing one token: all but those of the experts it does not visit
 * @param bytes size of all tensors
 * @param sharedBytes what every process needs: all but the experts
 * @param expertGroupBytes one expert id across all MoE layers, the least that can be a service of its own
 * @param dtypes tensors, parameters and bytes by dtype
 * @param tensors tensors that differ only in layer and expert number, together
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record CheckpointSummary(
    String location,
    String family,
    int hiddenSize,
    int layers,
    int heads,
    int kvHeads,
    int headDim,
    int vocabularySize,
    int contextLength,
    int moeLayers,
    int experts,
    int topK,
    boolean normTopkProb,
    int expertSize,
    @Nullable Integer tokenizerSize,
    boolean chatTemplate,
    long parameters,
    long activeParameters,
    long bytes,
    long sharedBytes,
    long expertGroupBytes,
    Map<String, Amount> dtypes,
    List<TensorShape> tensors) {
  /** Tensors of one kind. */
  record Amount(int tensors, long parameters, long bytes) {
    Amount plus(Amount other) {
      return new Amount(tensors + other.tensors, parameters + other.parameters, bytes + other.bytes);
    }
  }

  /**
   * @param name with N for the layer and E for the expert
   */
  record TensorShape(String name, String dtype, List<Long> shape, int count) {}

  static CheckpointSummary of(Checkpoint checkpoint, Architecture model, @Nullable LoadedTokenizer text) {
    Map<String, Amount> dtypes = new LinkedHashMap<>();
    Map<TensorShape, Integer> shapes = new LinkedHashMap<>();
    Amount experts = new Amount(0, 0, 0);
    for (Tensor tensor : checkpoint.tensors().values()) {
      Amount amount = new Amount(1, tensor.shape().stream().reduce(1L, Math::multiplyExact), tensor.bytes());
      dtypes.merge(tensor.dtype().name(), amount, Amount::plus);
      TensorShape shape = new TensorShape(generalName(tensor.name()), tensor.dtype().name(), tensor.shape(), 1);
      shapes.merge(shape, 1, Integer::sum);
      if (tensor.name().contains(".experts.")) {
        experts = experts.plus(amount);
      }
    }
    Amount all = dtypes.values().stream().reduce(new Amount(0, 0, 0), Amount::plus);
    List<TensorShape> tensors = new ArrayList<>();
    shapes.forEach((shape, count) -> tensors.add(new TensorShape(shape.name, shape.dtype, shape.shape, count)));
    Heads heads = heads(model);
    MixtureOfExperts moe = model.mixture().orElse(null);
    int count = Math.max(1, model.experts());
    int topK = moe == null ? 1 : moe.topK();
    return new CheckpointSummary(checkpoint.location().toString(), model.modelType(), model.hiddenSize(),
        model.blocks().size(), heads.count(), heads.keyCount(), heads.width(), model.vocabularySize(),
        model.contextLength(), model.moeLayers().size(), model.experts(), moe == null ? 0 : topK,
        moe != null && moe.router().normalize(), moe == null ? 0 : moe.expert().size(),
        text == null ? null : text.tokenizer().size(), text != null && text.chatTemplate() != null,
        all.parameters, all.parameters - experts.parameters / count * (count - topK),
        all.bytes, all.bytes - experts.bytes, experts.bytes / count, dtypes, tensors);
  }

  /**
   * @param width floats of a query
   */
  private record Heads(int count, int keyCount, int width) {}

  private static Heads heads(Architecture model) {
    for (Residual residual : model.blocks().getFirst().residuals()) {
      if (residual.operation() instanceof Attention attention) {
        return new Heads(attention.heads(), attention.kvHeads(), attention.headDim());
      }
      if (residual.operation() instanceof LatentAttention attention) {
        return new Heads(attention.heads(), attention.heads(), attention.queryDim());
      }
    }
    throw new IllegalArgumentException("the first layer of a %s model has no attention".formatted(model.modelType()));
  }

  private static String generalName(String name) {
    return name.replaceAll("\\.layers\\.\\d+\\.", ".layers.N.").replaceAll("\\.experts\\.\\d+\\.", ".experts.E.");
  }
}
