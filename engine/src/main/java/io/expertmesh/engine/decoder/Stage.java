package io.expertmesh.engine.decoder;

import io.expertmesh.engine.experts.ExpertClient;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.CrossAttention;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.LatentAttention;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.architecture.Residual;
import io.expertmesh.model.architecture.Rotary;
import io.expertmesh.model.decoder.DecoderWeights;
import io.expertmesh.model.decoder.DecoderWeights.AttentionWeights;
import io.expertmesh.model.decoder.DecoderWeights.LatentAttentionWeights;
import io.expertmesh.model.decoder.DecoderWeights.MoeWeights;
import io.expertmesh.model.decoder.DecoderWeights.ResidualWeights;
import io.expertmesh.model.decoder.FeedForwardRunner;
import io.expertmesh.model.decoder.FeedForwardWeights;
import io.expertmesh.model.decoder.RotaryTable;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is computed from the end of one mixture of experts to the start of the next, across blocks; the last stage ends
 * with the last block.
 *
 * @param dense branches that are computed here, in order
 * @param mixture the branch that ends the stage; null in the last one
 */
record Stage(List<Dense> dense, @Nullable Mixture mixture) {
  /** A branch that is computed here. */
  record Dense(Branch branch, DenseLayer layer) {
    void run(Part part) {
      branch.enter(part);
      layer.forward(part.rows(), part.space());
      branch.leave(part);
    }
  }

  /** A branch whose experts may be elsewhere. */
  record Mixture(Branch branch, MixtureLayer layer) {
    void start(Part part, MissingExperts policies) {
      branch.enter(part);
      layer.start(part, policies);
    }

    void finish(Part part, MissingExperts policies) {
      layer.finish(part, policies);
      branch.leave(part);
      part.leave();
    }
  }

  /** Runs the branches that are computed here and starts the mixture. */
  void run(Part part, MissingExperts policies) {
    if (mixture != null) {
      part.enter(mixture.layer().number());
    }
    for (Dense branch : dense) {
      branch.run(part);
    }
    if (mixture != null) {
      mixture.start(part, policies);
    }
  }

  /**
   * The stages of the blocks {@code from} to {@code to} (exclusive).
   *
   * @param positions that a sequence can have at most
   */
  static List<Stage> of(Architecture model, DecoderWeights weights, ExpertClient experts, int from, int to,
      int positions, int pageTokens, Kernels kernels, WorkerPool pool) {
    IdentityHashMap<Rotary, RotaryTable> tables = new IdentityHashMap<>();
    FeedForwardRunner runner = new FeedForwardRunner(kernels, pool);
    List<Stage> stages = new ArrayList<>();
    List<Dense> dense = new ArrayList<>();
    for (int layer = from; layer < to; layer++) {
      List<Residual> residuals = model.blocks().get(layer).residuals();
      for (int r = 0; r < residuals.size(); r++) {
        Residual residual = residuals.get(r);
        ResidualWeights w = weights.blocks().get(layer).residuals().get(r);
        Branch branch = new Branch(residual, w, model.hiddenSize(), kernels, pool);
        switch (residual.operation()) {
          case Attention attention when !attention.causal() -> dense.add(new Dense(branch,
              new EncoderAttentionLayer(attention, (AttentionWeights) w.operation(), kernels, pool)));
          case Attention attention -> {
            Rotary rotary = attention.rotary();
            Rotary.Extension extension = rotary == null ? null : rotary.extension();
            dense.add(new Dense(branch, new AttentionLayer(layer, attention, (AttentionWeights) w.operation(),
                table(rotary, tables, positions),
                table(extension == null ? null : extension.rotary(), tables, positions),
                pageTokens, kernels, pool)));
          }
          case LatentAttention attention -> dense.add(new Dense(branch, new LatentAttentionLayer(layer, attention,
              (LatentAttentionWeights) w.operation(),
              tables.computeIfAbsent(attention.rotary(), key -> RotaryTable.of(positions, key)), pageTokens, kernels,
              pool)));
          case CrossAttention cross -> dense.add(new Dense(branch,
              new CrossAttentionLayer(layer, cross, (AttentionWeights) w.operation(), kernels, pool)));
          case FeedForward network ->
            dense.add(new Dense(branch, new FeedForwardLayer((FeedForwardWeights) w.operation(), runner)));
          case MixtureOfExperts moe -> {
            stages.add(new Stage(List.copyOf(dense), new Mixture(branch, new MixtureLayer(layer, moe,
                (MoeWeights) w.operation(), model.hiddenSize(), experts, runner, kernels, pool))));
            dense.clear();
          }
        }
      }
    }
    stages.add(new Stage(List.copyOf(dense), null));
    return List.copyOf(stages);
  }

  private static @Nullable RotaryTable table(@Nullable Rotary rotary, Map<Rotary, RotaryTable> tables, int positions) {
    return rotary == null ? null : tables.computeIfAbsent(rotary, key -> RotaryTable.of(positions, key));
  }
}
