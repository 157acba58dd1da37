package io.expertmesh.model.family;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Names of a checkpoint's tensors. What is inside a layer is relative to {@code layers + N + "."}.
 *
 * @param embedding the embedding
 * @param finalNorm without {@code .weight}
 * @param output the output matrix, without {@code .weight}
 * @param layers prefix of all layers
 * @param residuals of a layer's branches, in order; those of a branch that is a mixture in one layer and dense in
 *     another are the same
 * @param encoder the encoder's own names; null for a decoder-only model
 * @param embeddingCopies other names under which some files have the embedding once more
 */
public record TensorNames(String embedding, String finalNorm, String output, String layers,
    List<ResidualNames> residuals, AttentionNames attention, MoeNames moe, FeedForwardNames dense,
    @Nullable EncoderNames encoder, List<String> embeddingCopies) {
  public TensorNames {
    residuals = List.copyOf(residuals);
    embeddingCopies = List.copyOf(embeddingCopies);
  }

  /** As the decoder's. */
  public record EncoderNames(String finalNorm, String layers, List<ResidualNames> residuals) {}

  /**
   * @param before the norm before the operation, null for none
   * @param operation prefix of the operation's tensors
   * @param after the norm after it, null for none
   */
  public record ResidualNames(@Nullable String before, String operation, @Nullable String after) {}

  /**
   * Each without {@code .weight} and {@code .bias}.
   *
   * @param relativeBias in the first block of a decoder or encoder, for all of its blocks
   */
  public record AttentionNames(String query, String key, String value, String output, String queryNorm,
      String keyNorm, String sinks, String relativeBias) {}

  /** Each without {@code .weight} and {@code .bias}. */
  public record FeedForwardNames(String gate, String up, String down) {}

  /**
   * @param gate the router, without {@code .weight} and {@code .bias}; also the whole name of its matrix
   * @param correctionBias the whole name
   * @param experts prefix of the experts
   * @param each between that prefix and an expert's number
   * @param expert names within an expert
   * @param shared prefix of the shared expert
   * @param sharedGate without {@code .weight}
   */
  public record MoeNames(String gate, String correctionBias, String experts, String each, FeedForwardNames expert,
      String shared, String sharedGate) {
    public MoeNames withGate(String name) {
      return new MoeNames(name, correctionBias, experts, each, expert, shared, sharedGate);
    }

    public MoeNames withExpert(FeedForwardNames names) {
      return new MoeNames(gate, correctionBias, experts, each, names, shared, sharedGate);
    }
  }

  public static final FeedForwardNames GATE_UP_DOWN = new FeedForwardNames("gate_proj", "up_proj", "down_proj");

  /** Pre-norm blocks with the names of Llama, OLMoE, Qwen and others. */
  public static TensorNames usual() {
    return new TensorNames("model.embed_tokens.weight", "model.norm", "lm_head", "model.layers.",
        List.of(new ResidualNames("input_layernorm", "self_attn", null),
            new ResidualNames("post_attention_layernorm", "mlp", null)),
        new AttentionNames("q_proj", "k_proj", "v_proj", "o_proj", "q_norm", "k_norm", "sinks", "relative_bias"),
        new MoeNames("gate", "gate.e_score_correction_bias", "experts", ".", GATE_UP_DOWN, "shared_expert",
            "shared_expert_gate"),
        GATE_UP_DOWN, null, List.of());
  }

  public TensorNames withResiduals(ResidualNames... names) {
    return new TensorNames(embedding, finalNorm, output, layers, List.of(names), attention, moe, dense, encoder,
        embeddingCopies);
  }

  /** {@link #usual}, with shared experts as DeepSeek names them. */
  public static TensorNames deepseek() {
    MoeNames moe = usual().moe();
    return usual().withMoe(new MoeNames(moe.gate(), moe.correctionBias(), moe.experts(), moe.each(), moe.expert(),
        "shared_experts", moe.sharedGate()));
  }

  public TensorNames withMoe(MoeNames names) {
    return new TensorNames(embedding, finalNorm, output, layers, residuals, attention, names, dense, encoder,
        embeddingCopies);
  }
}
