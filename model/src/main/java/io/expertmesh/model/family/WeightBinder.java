package io.expertmesh.model.family;

import io.expertmesh.kernels.Matrix;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.Block;
import io.expertmesh.model.architecture.CrossAttention;
import io.expertmesh.model.architecture.Encoder;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.LatentAttention;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.architecture.Norm;
import io.expertmesh.model.architecture.RelativeBias;
import io.expertmesh.model.architecture.Residual;
import io.expertmesh.model.decoder.DecoderWeights;
import io.expertmesh.model.decoder.DecoderWeights.AttentionBiases;
import io.expertmesh.model.decoder.DecoderWeights.AttentionWeights;
import io.expertmesh.model.decoder.DecoderWeights.BlockWeights;
import io.expertmesh.model.decoder.DecoderWeights.GateWeights;
import io.expertmesh.model.decoder.DecoderWeights.MoeWeights;
import io.expertmesh.model.decoder.DecoderWeights.NormWeights;
import io.expertmesh.model.decoder.DecoderWeights.OperationWeights;
import io.expertmesh.model.decoder.DecoderWeights.ResidualWeights;
import io.expertmesh.model.decoder.FeedForwardWeights;
import io.expertmesh.model.decoder.LayerExperts;
import io.expertmesh.model.family.TensorNames.AttentionNames;
import io.expertmesh.model.family.TensorNames.EncoderNames;
import io.expertmesh.model.family.TensorNames.MoeNames;
import io.expertmesh.model.family.TensorNames.ResidualNames;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Walks through an architecture and binds the tensors of each of its parts. */
final class WeightBinder {
  private final Architecture model;
  private final TensorNames names;
  private final TensorSource tensors;
  private final FeedForwardTensors networks;
  private final int hidden;

  WeightBinder(Architecture model, TensorNames names, TensorSource tensors) {
    this.model = model;
    this.names = names;
    this.tensors = tensors;
    this.networks = new FeedForwardTensors(tensors, model.hiddenSize());
    this.hidden = model.hiddenSize();
  }

  /**
   * Binds everything.
   *
   * @param experts whose weights are loaded; the tensors of the others are checked all the same
   */
  DecoderWeights bind(ExpertSelection experts) {
    Matrix embedding = tensors.matrix(names.embedding(), model.vocabularySize(), hidden);
    List<BlockWeights> blocks = new ArrayList<>();
    for (int i = 0; i < model.blocks().size(); i++) {
      blocks.add(block(i, experts));
    }
    for (String copy : names.embeddingCopies()) {
      if (tensors.has(copy)) {
        tensors.stored(copy, model.vocabularySize(), hidden);
      }
    }
    Encoder encoder = model.encoder();
    NormWeights encoderNorm = encoder == null
        ? null
        : norm(encoderNames().finalNorm(), encoder.finalNorm(), hidden);
    NormWeights finalNorm = norm(names.finalNorm(), model.finalNorm(), hidden);
    // Some tools write the output matrix of a tied model as well.
    boolean tied = model.tiedEmbeddings() && !tensors.has(names.output() + ".weight");
    Matrix output = tied ? embedding : tensors.matrix(names.output() + ".weight", model.vocabularySize(), hidden);
    float[] outputBias = model.outputBias() ? tensors.vector(names.output() + ".bias", model.vocabularySize()) : null;
    return new DecoderWeights(embedding, blocks, encoderNorm, finalNorm, output, outputBias);
  }

  /** Expert {@code id} of block {@code layer}, which has a mixture, as the checkpoint stores it. */
  StoredFeedForward expert(int layer, int id) {
    Block block = model.blocks().get(layer);
    for (int r = 0; r < block.residuals().size(); r++) {
      if (block.residuals().get(r).operation() instanceof MixtureOfExperts moe) {
        return networks.expert(prefix(layer, r), names.moe(), moe, id);
      }
    }
    throw new IllegalArgumentException("layer %d has no experts".formatted(layer));
  }

  /** Of the operation of branch {@code residual}, with a dot at its end. */
  private String prefix(int layer, int residual) {
    return block(layer) + residuals(layer).get(residual).operation() + ".";
  }

  private boolean encodes(int layer) {
    return layer < model.firstDecoderBlock();
  }

  /** Prefix of a block; encoder and decoder count from 0 each. */
  private String block(int layer) {
    return encodes(layer)
        ? encoderNames().layers() + layer + "."
        : names.layers() + (layer - model.firstDecoderBlock()) + ".";
  }

  private List<ResidualNames> residuals(int layer) {
    return encodes(layer) ? encoderNames().residuals() : names.residuals();
  }

  private EncoderNames encoderNames() {
    if (names.encoder() == null) {
      throw new IllegalStateException("%s names no tensors for an encoder".formatted(model.modelType()));
    }
    return names.encoder();
  }

  private BlockWeights block(int layer, ExpertSelection experts) {
    List<Residual> residuals = model.blocks().get(layer).residuals();
    List<ResidualWeights> weights = new ArrayList<>();
    for (int r = 0; r < residuals.size(); r++) {
      Residual residual = residuals.get(r);
      ResidualNames name = residuals(layer).get(r);
      weights.add(new ResidualWeights(
          norm(layer, name.before(), residual.before()),
          operation(layer, r, residual, experts),
          norm(layer, name.after(), residual.after())));
    }
    return new BlockWeights(weights);
  }

  private @Nullable NormWeights norm(int layer, @Nullable String name, @Nullable Norm norm) {
    if (norm == null) {
      return null;
    }
    if (name == null) {
      throw new IllegalStateException("%s names no tensor for a norm of layer %d".formatted(model.modelType(), layer));
    }
    return norm(block(layer) + name, norm, hidden);
  }

  private NormWeights norm(String name, Norm norm, int width) {
    return switch (norm.kind()) {
      case RMS -> new NormWeights(tensors.vector(name + ".weight", width), null);
      case LAYER -> new NormWeights(tensors.vector(name + ".weight", width), tensors.vector(name + ".bias", width));
      case LAYER_WITHOUT_PARAMETERS -> {
        float[] ones = new float[width];
        Arrays.fill(ones, 1f);
        yield new NormWeights(ones, null);
      }
    };
  }

  private OperationWeights operation(int layer, int residual, Residual branch, ExpertSelection experts) {
    String prefix = prefix(layer, residual);
    return switch (branch.operation()) {
      case Attention attention ->
        attention(prefix, prefix(encodes(layer) ? 0 : model.firstDecoderBlock(), residual), attention);
      case CrossAttention cross -> crossAttention(prefix, cross);
      case LatentAttention latent -> new LatentAttentionTensors(tensors, hidden).bind(prefix, latent);
      case FeedForward dense -> tensors.prepare(networks.dense(prefix, names.dense(), dense));
      case MixtureOfExperts moe -> mixture(layer, prefix, moe, experts);
    };
  }

  /**
   * @param first prefix of the same branch in the stack's first block, which has the relative bias of all
   */
  private AttentionWeights attention(String prefix, String first, Attention a) {
    AttentionNames name = names.attention();
    int queries = a.queryWidth();
    int keys = a.keyValueWidth();
    Attention.QkNorm qk = a.qkNorm();
    return new AttentionWeights(
        tensors.matrix(prefix + name.query() + ".weight", queries, hidden),
        tensors.matrix(prefix + name.key() + ".weight", keys, hidden),
        tensors.matrix(prefix + name.value() + ".weight", keys, hidden),
        tensors.matrix(prefix + name.output() + ".weight", hidden, queries),
        new AttentionBiases(
            bias(a.inputBias(), prefix + name.query(), queries),
            bias(a.inputBias(), prefix + name.key(), keys),
            bias(a.inputBias(), prefix + name.value(), keys),
            bias(a.outputBias(), prefix + name.output(), hidden)),
        qk == null ? null : norm(prefix + name.queryNorm(), qk.norm(), qk.perHead() ? a.headDim() : queries),
        qk == null ? null : norm(prefix + name.keyNorm(), qk.norm(), qk.perHead() ? a.headDim() : keys),
        a.sinks() ? tensors.vector(prefix + name.sinks(), a.heads()) : null,
        a.relativeBias() == null ? null : relativeBias(first + name.relativeBias(), a.relativeBias(), a.heads()));
  }

  private AttentionWeights crossAttention(String prefix, CrossAttention a) {
    return attention(prefix, prefix,
        Attention.of(a.heads(), a.heads(), a.headDim(), null, null).withBias(a.bias(), a.bias()));
  }

  /** By head; stored (buckets, heads). */
  private float[][] relativeBias(String name, RelativeBias bias, int heads) {
    float[][] byHead = new float[heads][bias.buckets()];
    for (int bucket = 0; bucket < bias.buckets(); bucket++) {
      float[] row = tensors.vector(name + ".weight", bucket, bias.buckets(), heads);
      for (int head = 0; head < heads; head++) {
        byHead[head][bucket] = row[head];
      }
    }
    return byHead;
  }

  private float @Nullable [] bias(boolean present, String name, int width) {
    return present ? tensors.vector(name + ".bias", width) : null;
  }

  private MoeWeights mixture(int layer, String prefix, MixtureOfExperts moe, ExpertSelection selection) {
    MoeNames name = names.moe();
    int n = moe.experts();
    String router = prefix + name.gate();
    GateWeights gate = new GateWeights(
        tensors.matrix(tensors.has(router) ? router : router + ".weight", n, hidden),
        bias(moe.router().bias(), prefix + name.gate(), n),
        moe.router().correctionBias() ? tensors.vector(prefix + name.correctionBias(), n) : null);
    @Nullable
    FeedForwardWeights[] experts = new @Nullable FeedForwardWeights[n];
    for (int id = 0; id < n; id++) {
      StoredFeedForward stored = expert(layer, id);
      experts[id] = selection.holds(id) ? tensors.prepare(stored) : null;
    }
    MixtureOfExperts.SharedExpert shared = moe.shared();
    return new MoeWeights(gate, new LayerExperts(experts),
        shared == null
            ? null
            : tensors.prepare(networks.dense(prefix + name.shared() + ".", names.dense(), shared.network())),
        shared != null && shared.gated() ? tensors.matrix(prefix + name.sharedGate() + ".weight", 1, hidden) : null);
  }
}
