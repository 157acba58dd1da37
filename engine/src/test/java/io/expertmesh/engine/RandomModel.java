package io.expertmesh.engine;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Matrix;
import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.Block;
import io.expertmesh.model.architecture.CrossAttention;
import io.expertmesh.model.architecture.Encoder;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.LatentAttention;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.architecture.Norm;
import io.expertmesh.model.architecture.Operation;
import io.expertmesh.model.architecture.RelativeBias;
import io.expertmesh.model.decoder.DecoderWeights;
import io.expertmesh.model.decoder.DecoderWeights.AttentionBiases;
import io.expertmesh.model.decoder.DecoderWeights.AttentionWeights;
import io.expertmesh.model.decoder.DecoderWeights.BlockWeights;
import io.expertmesh.model.decoder.DecoderWeights.GateWeights;
import io.expertmesh.model.decoder.DecoderWeights.LatentAttentionWeights;
import io.expertmesh.model.decoder.DecoderWeights.MoeWeights;
import io.expertmesh.model.decoder.DecoderWeights.NormWeights;
import io.expertmesh.model.decoder.DecoderWeights.OperationWeights;
import io.expertmesh.model.decoder.DecoderWeights.ResidualWeights;
import io.expertmesh.model.decoder.FeedForwardWeights;
import io.expertmesh.model.decoder.LayerExperts;
import io.expertmesh.model.family.BoundModel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Random weights for an architecture, without a checkpoint; the same seed gives the same, whatever the kernels. */
final class RandomModel {
  private final Architecture model;
  private final Kernels kernels;
  private final Random random;
  private final DType dtype;
  private final int hidden;

  private RandomModel(Architecture model, long seed, Kernels kernels) {
    this.model = model;
    this.kernels = kernels;
    this.random = new Random(seed);
    this.dtype = random.nextBoolean() ? DType.F32 : DType.BF16;
    this.hidden = model.hiddenSize();
  }

  static BoundModel of(Architecture model, long seed, Kernels kernels) {
    return new BoundModel(model, new RandomModel(model, seed, kernels).weights());
  }

  @SuppressWarnings("NullAway") // class files do not say that arrays may be null in compact constructors
  private DecoderWeights weights() {
    Matrix embedding = matrix(model.vocabularySize(), hidden);
    List<BlockWeights> blocks = new ArrayList<>();
    for (Block block : model.blocks()) {
      blocks.add(new BlockWeights(block.residuals().stream()
          .map(r -> new ResidualWeights(norm(r.before(), hidden), operation(r.operation()), norm(r.after(), hidden)))
          .toList()));
    }
    Encoder encoder = model.encoder();
    return new DecoderWeights(embedding, blocks, encoder == null ? null : norm(encoder.finalNorm().kind(), hidden),
        norm(model.finalNorm().kind(), hidden),
        model.tiedEmbeddings() ? embedding : matrix(model.vocabularySize(), hidden),
        bias(model.outputBias(), model.vocabularySize()));
  }

  private OperationWeights operation(Operation operation) {
    return switch (operation) {
      case Attention a -> attention(a);
      case CrossAttention a -> attention(Attention.of(a.heads(), a.heads(), a.headDim(), null, null)
          .withBias(a.bias(), a.bias()));
      case LatentAttention a -> latent(a);
      case FeedForward network -> network(network);
      case MixtureOfExperts moe -> mixture(moe);
    };
  }

  private AttentionWeights attention(Attention a) {
    Attention.QkNorm qk = a.qkNorm();
    return new AttentionWeights(matrix(a.queryWidth(), hidden), matrix(a.keyValueWidth(), hidden),
        matrix(a.keyValueWidth(), hidden), matrix(hidden, a.queryWidth()),
        new AttentionBiases(bias(a.inputBias(), a.queryWidth()),
            bias(a.inputBias(), a.keyValueWidth()), bias(a.inputBias(), a.keyValueWidth()),
            bias(a.outputBias(), hidden)),
        qk == null ? null : norm(qk.norm().kind(), qk.perHead() ? a.headDim() : a.queryWidth()),
        qk == null ? null : norm(qk.norm().kind(), qk.perHead() ? a.headDim() : a.keyValueWidth()),
        bias(a.sinks(), a.heads()), relativeBias(a.relativeBias(), a.heads()));
  }

  private float @Nullable [][] relativeBias(@Nullable RelativeBias bias, int heads) {
    float[][] byHead = new float[heads][];
    for (int head = 0; bias != null && head < heads; head++) {
      byHead[head] = vector(bias.buckets());
    }
    return bias == null ? null : byHead;
  }

  @SuppressWarnings("NullAway") // class files do not say that arrays may be null in compact constructors
  private LatentAttentionWeights latent(LatentAttention a) {
    Integer queryRank = a.queryRank();
    List<Matrix> keyUp = new ArrayList<>();
    List<Matrix> valueUp = new ArrayList<>();
    for (int head = 0; head < a.heads(); head++) {
      keyUp.add(matrix(a.rank(), a.plainDim()));
      valueUp.add(matrix(a.valueDim(), a.rank()));
    }
    return new LatentAttentionWeights(queryRank == null ? null : matrix(queryRank, hidden),
        queryRank == null ? null : bias(a.bias(), queryRank),
        queryRank == null ? null : norm(a.latentNorm().kind(), queryRank),
        matrix(a.queryWidth(), queryRank == null ? hidden : queryRank), matrix(a.cachedWidth(), hidden),
        bias(a.bias(), a.cachedWidth()), norm(a.latentNorm().kind(), a.rank()), keyUp, valueUp,
        matrix(hidden, a.valueWidth()), bias(a.bias(), hidden));
  }

  private FeedForwardWeights network(FeedForward network) {
    int size = network.size();
    int gate = size * network.activation().gateWidth();
    return new FeedForwardWeights(network.activation(), gate == 0 ? null : matrix(gate, hidden), matrix(size, hidden),
        matrix(hidden, size), network.bias()
            ? new FeedForwardWeights.Biases(gate == 0 ? null : vector(gate), vector(size), vector(hidden))
            : null);
  }

  private MoeWeights mixture(MixtureOfExperts moe) {
    GateWeights gate = new GateWeights(matrix(moe.experts(), hidden),
        bias(moe.router().bias(), moe.experts()),
        bias(moe.router().correctionBias(), moe.experts()));
    @Nullable
    FeedForwardWeights[] experts = new @Nullable FeedForwardWeights[moe.experts()];
    for (int id = 0; id < experts.length; id++) {
      experts[id] = network(moe.expert());
    }
    MixtureOfExperts.SharedExpert shared = moe.shared();
    return new MoeWeights(gate, new LayerExperts(experts), shared == null ? null : network(shared.network()),
        shared != null && shared.gated() ? matrix(1, hidden) : null);
  }

  private @Nullable NormWeights norm(@Nullable Norm norm, int width) {
    return norm == null ? null : norm(norm.kind(), width);
  }

  private NormWeights norm(Norm.Kind kind, int width) {
    float[] weight = vector(width);
    for (int i = 0; i < width; i++) {
      weight[i] = kind == Norm.Kind.LAYER_WITHOUT_PARAMETERS ? 1f : 1f + weight[i];
    }
    return new NormWeights(weight, bias(kind == Norm.Kind.LAYER, width));
  }

  private float @Nullable [] bias(boolean present, int length) {
    return present ? vector(length) : null;
  }

  private float[] vector(int length) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) random.nextGaussian() * 0.3f;
    }
    return values;
  }

  private Matrix matrix(int rows, int cols) {
    MemorySegment data = Arena.ofAuto().allocate(dtype.bytes((long) rows * cols), 64);
    for (long i = 0; i < (long) rows * cols; i++) {
      float value = (float) (random.nextGaussian() / Math.sqrt(cols)) * 1.5f;
      if (dtype == DType.F32) {
        data.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
      } else {
        data.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (Float.floatToRawIntBits(value) >>> 16));
      }
    }
    return kernels.prepare(new WeightMatrix("random", dtype, rows, cols, data));
  }
}
