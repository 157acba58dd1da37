package io.expertmesh.cli.inspect;

import io.expertmesh.engine.kvcache.KvShape;
import io.expertmesh.kernels.DType;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.CrossAttention;
import io.expertmesh.model.architecture.LatentAttention;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.architecture.Residual;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.TensorPlan;
import io.expertmesh.model.release.Release;
import io.expertmesh.model.tokenizer.LoadedTokenizer;
import io.expertmesh.model.tokenizer.TokenizerLoader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.annotation.JsonNaming;

/**
 * What is in a checkpoint, or in a release whose configuration alone is known.
 *
 * @param location a folder, a file, or the release's name
 * @param layers an encoder's and a decoder's together
 * @param expertSize width of an expert's hidden layer
 * @param text about tokenizer and chat; null for a release without one
 * @param parameters weights of the model in total
 * @param activeParameters weights that take part in computing one token: all but those of the experts it does not
 *     visit; with an encoder, one token of its input and one of the answer
 * @param activeBytes what of the weights is read to compute one token: as {@code activeParameters}, and of the input
 *     embedding one row
 * @param bytes size of the model's tensors
 * @param ignoredBytes size of tensors that answers do not depend on
 * @param sharedBytes what every process needs: all but the experts
 * @param expertDtype the type that expert groups are to be held in; null for the checkpoint's
 * @param expertGroupBytes one expert id across all MoE layers, the least that can be a service of its own
 * @param expertGroups the groups of ids that so many shards hold
 * @param bytesAs the size with matrices of other types
 * @param cacheBytesPerToken what is kept of a token as long as its request runs
 * @param cache whether that is keys and values or what both are made from
 * @param encodedBytesPerToken what the decoder keeps of a token of the encoder's input
 * @param layerKinds layers that are alike, together
 * @param dtypes tensors, parameters and bytes by dtype
 * @param tensors tensors that differ only in layer and expert number, together
 * @param recognised whether the tensors are exactly those that the configuration asks for
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
public record Inspection(
    String location,
    String family,
    int hiddenSize,
    int layers,
    int encoderLayers,
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
    @Nullable TextPart text,
    long parameters,
    long activeParameters,
    long activeBytes,
    long bytes,
    long ignoredBytes,
    long sharedBytes,
    @Nullable DType expertDtype,
    long expertGroupBytes,
    List<ExpertGroup> expertGroups,
    Map<String, Long> bytesAs,
    long cacheBytesPerToken,
    String cache,
    long encodedBytesPerToken,
    List<LayerKinds.Kind> layerKinds,
    Map<String, Inventory.Amount> dtypes,
    List<Inventory.Kind> tensors,
    boolean recognised,
    List<String> missing,
    List<String> unknown,
    List<String> wrong) {

  /**
   * @param tokenizerSize ids that the tokenizer knows; null if there is no usable one
   * @param problem why there is none
   * @param chatTemplate whether there is one
   * @param languages that it translates between; 0 if it is no translation model
   */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  public record TextPart(@Nullable Integer tokenizerSize, @Nullable String problem, boolean chatTemplate,
      boolean tools, int languages) {}

  /**
   * @param ids such as {@code 0-31}
   */
  public record ExpertGroup(String ids, long bytes) {}

  /**
   * Looks at {@code checkpoint}.
   *
   * @param shards in how many groups its experts are divided; null for one id each
   * @param held the type that the groups hold them in; null for the checkpoint's
   * @throws FailureException INVALID_CHECKPOINT if the family is not supported, or a field is missing or wrong
   */
  public static Inspection of(Checkpoint checkpoint, @Nullable Integer shards, @Nullable DType held) {
    TensorPlan plan = TensorPlan.of(checkpoint);
    return of(checkpoint.location().toString(), plan, Inventory.of(checkpoint, plan), text(checkpoint), shards, held,
        plan.differences(checkpoint));
  }

  /** As {@link #of(Checkpoint, Integer, DType)}, of a model's configuration. */
  public static Inspection of(Release release, @Nullable Integer shards, @Nullable DType held) {
    TensorPlan plan = release.plan();
    return of(release.name(), plan, Inventory.of(release, plan), null, shards, held,
        new TensorPlan.Differences(List.of(), List.of(), List.of()));
  }

  private static Inspection of(String location, TensorPlan plan, Inventory inventory, @Nullable TextPart text,
      @Nullable Integer shards, @Nullable DType held, TensorPlan.Differences differences) {
    Architecture model = plan.architecture();
    MixtureOfExperts moe = model.mixture().orElse(null);
    Heads heads = heads(model);
    long experts = inventory.expertBytes();
    long perId = moe == null ? 0 : (held == null ? experts : inventory.expertBytesAs(held)) / moe.experts();
    long embedding = model.tiedEmbeddings() ? 0 : inventory.bytes(plan.embedding());
    return new Inspection(location, model.modelType(), model.hiddenSize(), model.blocks().size(),
        model.firstDecoderBlock(), heads.count(), heads.keyCount(), heads.width(), model.vocabularySize(),
        model.contextLength(), model.moeLayers().size(), model.experts(), moe == null ? 0 : moe.topK(),
        moe != null && moe.router().normalize(), moe == null ? 0 : moe.expert().size(), text, plan.parameters(),
        plan.activeParameters(), inventory.bytes() - experts + plan.visited(experts) - embedding
            + embedding / model.vocabularySize(),
        inventory.bytes(), inventory.ignoredBytes(), inventory.bytes() - experts, held, perId,
        moe == null ? List.of() : groups(moe.experts(), perId, shards == null ? moe.experts() : shards),
        inventory.asOtherTypes(),
        KvShape.of(model).stream().mapToLong(KvShape::bytes).sum(), heads.cache(), encodedBytes(model),
        LayerKinds.of(model), inventory.byType(), inventory.kinds(), differences.none(), differences.missing(),
        differences.unknown(), differences.wrong());
  }

  private static List<ExpertGroup> groups(int experts, long bytesPerId, int shards) {
    if (shards < 1 || shards > experts) {
      throw FailureException.invalidParameter("--shards",
          "--shards is %d; the model's %d experts make 1 to %d groups".formatted(shards, experts, experts));
    }
    List<ExpertGroup> groups = new ArrayList<>();
    for (int group = 0; group < shards; group++) {
      int from = (int) ((long) experts * group / shards);
      int to = (int) ((long) experts * (group + 1) / shards) - 1;
      groups.add(new ExpertGroup(from == to ? String.valueOf(from) : from + "-" + to, bytesPerId * (to - from + 1)));
    }
    return groups;
  }

  /**
   * @param width floats of a query
   * @param cache what is kept of a token
   */
  private record Heads(int count, int keyCount, int width, String cache) {}

  private static Heads heads(Architecture model) {
    for (Residual residual : model.blocks().get(model.firstDecoderBlock()).residuals()) {
      if (residual.operation() instanceof Attention attention) {
        return new Heads(attention.heads(), attention.kvHeads(), attention.headDim(), "keys and values");
      }
      if (residual.operation() instanceof LatentAttention attention) {
        return new Heads(attention.heads(), attention.heads(), attention.queryDim(), "latent");
      }
    }
    throw new IllegalArgumentException("the first layer of a %s model has no attention".formatted(model.modelType()));
  }

  /** Keys and values of the cross-attention. */
  private static long encodedBytes(Architecture model) {
    return model.blocks().stream().flatMap(block -> block.residuals().stream()).map(Residual::operation)
        .filter(CrossAttention.class::isInstance).map(CrossAttention.class::cast)
        .mapToLong(cross -> 2L * Float.BYTES * cross.width()).sum();
  }

  private static TextPart text(Checkpoint checkpoint) {
    try {
      LoadedTokenizer text = TokenizerLoader.load(checkpoint);
      return new TextPart(text.tokenizer().size(), null, text.chatTemplate() != null,
          text.chatTemplate() != null && text.chatTemplate().takesTools(),
          text.languages() == null ? 0 : text.languages().all().size());
    } catch (FailureException unusable) {
      return new TextPart(null, unusable.getMessage(), false, false, 0);
    }
  }
}
