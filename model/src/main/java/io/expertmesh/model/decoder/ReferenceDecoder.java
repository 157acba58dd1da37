package io.expertmesh.model.decoder;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Matrix;
import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.CrossAttention;
import io.expertmesh.model.architecture.Encoder;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.LatentAttention;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.architecture.Norm;
import io.expertmesh.model.architecture.Operation;
import io.expertmesh.model.architecture.Residual;
import io.expertmesh.model.architecture.SinusoidalPositions;
import io.expertmesh.model.decoder.DecoderWeights.AttentionWeights;
import io.expertmesh.model.decoder.DecoderWeights.LatentAttentionWeights;
import io.expertmesh.model.decoder.DecoderWeights.MoeWeights;
import io.expertmesh.model.decoder.DecoderWeights.NormWeights;
import io.expertmesh.model.decoder.DecoderWeights.OperationWeights;
import io.expertmesh.model.decoder.DecoderWeights.ResidualWeights;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The oracle of the project: a whole sequence through the model, one plain step after the other, with scalar kernels, no
 * cache, no batch and no threads. It is compared with transformers stage by stage, and the engine with it, bit for bit.
 *
 * <p>T is the number of tokens, H the hidden size, V the vocabulary.
 */
public final class ReferenceDecoder {
  /** Sees every stage of the computation; arrays are (T, width) and must not be changed or kept. */
  @FunctionalInterface
  public interface Observer {
    void stage(String name, float[] values);
  }

  private final Architecture model;
  private final DecoderWeights weights;
  private final Kernels kernels = new ScalarKernels();
  private final FeedForwardRunner feedForward = new FeedForwardRunner(kernels, new WorkerPool(1));
  private final Observer observer;

  /**
   * @param weights bound with {@link ScalarKernels}
   */
  public ReferenceDecoder(Architecture model, DecoderWeights weights, Observer observer) {
    this.model = model;
    this.weights = weights;
    this.observer = observer;
  }

  /** The logits (T, V) of the prompt {@code tokenIds} (T). */
  public float[] logits(int[] tokenIds) {
    return logits(tokenIds, tokenIds.length);
  }

  /**
   * The logits (T, V) of {@code tokenIds} (T), of which the first {@code promptTokens} are a prompt and the others were
   * generated one by one.
   */
  public float[] logits(int[] tokenIds, int promptTokens) {
    Pass pass = new Pass("", promptTokens, null);
    int context = model.rotaryContext();
    if (promptTokens > context || tokenIds.length <= context) {
      return decode(tokenIds, pass);
    }
    // The answer went beyond the context: what was said until then comes from a shorter sequence, rotated otherwise.
    float[] before = decode(Arrays.copyOf(tokenIds, context), pass);
    float[] logits = decode(tokenIds, pass);
    System.arraycopy(before, 0, logits, 0, before.length);
    return logits;
  }

  /**
   * As {@link #logits(int[], int)}, for an encoder-decoder model.
   *
   * @param encoded (S, H), what {@link #encode} gave
   */
  public float[] logits(float[] encoded, int[] tokenIds, int promptTokens) {
    return decode(tokenIds, new Pass("", promptTokens, encoded));
  }

  /** The encoder's output (S, H) for {@code tokenIds} (S); the model has an encoder. */
  public float[] encode(int[] tokenIds) {
    Encoder encoder = Objects.requireNonNull(model.encoder());
    Pass pass = new Pass("encoder.", tokenIds.length, null);
    float[] x = blocks(0, encoder.blocks(), tokenIds, pass);
    float[] normed = normalize(encoder.finalNorm(), weights.encoderNorm(), x);
    observer.stage("encoder.final_norm", normed);
    return normed;
  }

  /**
   * @param stack what the names of its stages begin with
   * @param promptTokens how many of its tokens were given, not generated
   * @param encoded (S, H), what cross-attention sees; null in a model without it
   */
  private record Pass(String stack, int promptTokens, float @Nullable [] encoded) {}

  private float[] decode(int[] tokenIds, Pass pass) {
    float[] x = blocks(model.firstDecoderBlock(), model.blocks().size(), tokenIds, pass);
    float[] normed = normalize(model.finalNorm(), weights.finalNorm(), x);
    observer.stage("final_norm", normed);
    float[] logits = multiply(weights.output(), weights.outputBias(), normed);
    scale(logits, model.logitScale());
    observer.stage("logits", logits);
    return logits;
  }

  /** Embeds the tokens and takes them through the blocks {@code from} to {@code to} (exclusive): (T, H). */
  private float[] blocks(int from, int to, int[] tokenIds, Pass pass) {
    float[] x = embed(tokenIds, pass);
    for (int i = from; i < to; i++) {
      String layer = pass.stack() + "layers." + (i - from) + ".";
      List<Residual> residuals = model.blocks().get(i).residuals();
      for (int r = 0; r < residuals.size(); r++) {
        Residual residual = residuals.get(r);
        ResidualWeights w = weights.blocks().get(i).residuals().get(r);
        float[] normed = normalize(residual.before(), w.before(), x);
        float[] y = compute(layer, residual.operation(), w.operation(), normed, pass);
        addScaled(x, normalize(residual.after(), w.after(), y), residual.scale());
        observer.stage(layer + stageAfter(residual.operation()), x);
      }
      observer.stage(layer + "output", x);
    }
    return x;
  }

  private float[] embed(int[] tokenIds, Pass pass) {
    int h = model.hiddenSize();
    float[] x = new float[tokenIds.length * h]; // (T, H)
    for (int t = 0; t < tokenIds.length; t++) {
      kernels.dequantize(weights.embedding(), tokenIds[t], x, t * h);
    }
    scale(x, model.embeddingScale());
    SinusoidalPositions positions = model.positions();
    for (int t = 0; positions != null && t < tokenIds.length; t++) {
      positions.add(positions.of(tokenIds, pass.promptTokens(), t), x, t * h, h);
    }
    observer.stage(pass.stack() + "embeddings", x);
    return x;
  }

  /** What the residual stream is called after the operation. */
  private static String stageAfter(Operation operation) {
    return switch (operation) {
      case Attention a -> "attention_residual";
      case LatentAttention a -> "attention_residual";
      case CrossAttention c -> "cross_attention_residual";
      case MixtureOfExperts m -> "moe_residual";
      case FeedForward f -> "feed_forward_residual";
    };
  }

  /** x is (T, H); the result is (T, H). */
  private float[] compute(String layer, Operation operation, OperationWeights weights, float[] x, Pass pass) {
    return switch (operation) {
      case Attention attention -> attention(attention, (AttentionWeights) weights, x);
      case LatentAttention attention ->
        new ReferenceLatentAttention(attention, (LatentAttentionWeights) weights, kernels).forward(x);
      case CrossAttention cross ->
        crossAttention(cross, (AttentionWeights) weights, x, Objects.requireNonNull(pass.encoded()));
      case MixtureOfExperts moe -> mixture(layer, moe, (MoeWeights) weights, x, pass);
      case FeedForward dense -> {
        float[] y = feedForward((FeedForwardWeights) weights, x);
        observer.stage(layer + "feed_forward_output", y);
        yield y;
      }
    };
  }

  /** x is (T, H); the result is (T, H). */
  private float[] attention(Attention a, AttentionWeights w, float[] x) {
    float[] queries = multiply(w.query(), w.biases().query(), x); // (T, heads * headDim)
    float[] keys = multiply(w.key(), w.biases().key(), x); // (T, kvHeads * headDim)
    float[] values = multiply(w.value(), w.biases().value(), x); // (T, kvHeads * headDim)
    int tokens = queries.length / a.queryWidth();
    if (a.qkNorm() != null) {
      queries = normalize(a.qkNorm().norm(), w.queryNorm(), queries);
      keys = normalize(a.qkNorm().norm(), w.keyNorm(), keys);
    }
    if (a.clip() != null) {
      clamp(queries, a.clip());
      clamp(keys, a.clip());
      clamp(values, a.clip());
    }
    if (a.rotary() != null) {
      RotaryTable rotary = RotaryTable.of(tokens, a.rotary().of(tokens));
      for (int t = 0; t < tokens; t++) {
        rotary.rotate(kernels, queries, t * a.queryWidth(), a.heads(), a.headDim(), t);
        rotary.rotate(kernels, keys, t * a.keyValueWidth(), a.kvHeads(), a.headDim(), t);
      }
    }

    float[] mixed = new float[queries.length]; // (T, heads * headDim)
    for (int head = 0; head < a.heads(); head++) {
      int kvHead = head / (a.heads() / a.kvHeads());
      float[][] headKeys = {headOf(keys, kvHead, a.headDim(), a.keyValueWidth())}; // one page (T, headDim)
      float[][] headValues = {headOf(values, kvHead, a.headDim(), a.keyValueWidth())};
      for (int t = 0; t < tokens; t++) {
        int at = t * a.queryWidth() + head * a.headDim();
        int from = a.window() == null ? 0 : Math.max(0, t + 1 - a.window());
        int to = a.causal() ? t + 1 : tokens;
        int positions = to - from;
        float[] scores = new float[positions + 1];
        kernels.scores(queries, at, a.headDim(), headKeys, tokens, 0, from, to, a.scale(), scores);
        if (a.relativeBias() != null && w.relativeBias() != null) {
          a.relativeBias().add(w.relativeBias()[head], t, from, scores, positions);
        }
        if (w.sinks() != null) {
          scores[positions] = w.sinks()[head];
        }
        kernels.softmax(scores, 0, w.sinks() == null ? positions : positions + 1);
        kernels.weightedSum(scores, headValues, tokens, 0, a.headDim(), a.headDim(), from, to, mixed, at);
      }
    }
    return multiply(w.output(), w.biases().output(), mixed);
  }

  /** x is (T, H), encoded (S, H); the result is (T, H). */
  private float[] crossAttention(CrossAttention a, AttentionWeights w, float[] x, float[] encoded) {
    float[] queries = multiply(w.query(), w.biases().query(), x); // (T, heads * headDim)
    float[] keys = multiply(w.key(), w.biases().key(), encoded); // (S, heads * headDim)
    float[] values = multiply(w.value(), w.biases().value(), encoded); // (S, heads * headDim)
    int seen = encoded.length / model.hiddenSize();
    float[] mixed = new float[queries.length]; // (T, heads * headDim)
    float[] scores = new float[seen];
    for (int head = 0; head < a.heads(); head++) {
      float[][] headKeys = {headOf(keys, head, a.headDim(), a.width())};
      float[][] headValues = {headOf(values, head, a.headDim(), a.width())};
      for (int at = head * a.headDim(); at < queries.length; at += a.width()) {
        kernels.scores(queries, at, a.headDim(), headKeys, seen, 0, 0, seen, a.scale(), scores);
        kernels.softmax(scores, 0, seen);
        kernels.weightedSum(scores, headValues, seen, 0, a.headDim(), a.headDim(), 0, seen, mixed, at);
      }
    }
    return multiply(w.output(), w.biases().output(), mixed);
  }

  /** One head (T, headDim) of x (T, width). */
  private static float[] headOf(float[] x, int head, int headDim, int width) {
    int tokens = x.length / width;
    float[] one = new float[tokens * headDim];
    for (int t = 0; t < tokens; t++) {
      System.arraycopy(x, t * width + head * headDim, one, t * headDim, headDim);
    }
    return one;
  }

  /** x is (T, H); the result is (T, H). */
  private float[] mixture(String layer, MixtureOfExperts moe, MoeWeights w, float[] x, Pass pass) {
    int h = model.hiddenSize();
    int tokens = x.length / h;
    Gate gate = new Gate(moe, w.gate(), kernels);
    Routing routing = gate.newRouting(tokens);
    for (int t = 0; t < tokens; t++) {
      gate.route(x, t, routing);
    }
    gate.limit(routing, 0, Math.min(tokens, pass.promptTokens()));
    observer.stage(layer + "gate_weights", routing.weights());
    float[] ids = new float[routing.expertIds().length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = routing.expertIds()[i];
    }
    observer.stage(layer + "expert_ids", ids);

    float[] sum = new float[x.length]; // (T, H)
    int k = routing.topK();
    for (int t = 0; t < tokens; t++) {
      float[] row = Arrays.copyOfRange(x, t * h, (t + 1) * h);
      for (int expert = 0; expert < moe.experts(); expert++) { // ascending: the order of the sum is defined
        for (int rank = 0; rank < k; rank++) {
          float weight = routing.weights()[t * k + rank];
          if (routing.expertIds()[t * k + rank] == expert && weight != 0) {
            float[] y = feedForward(w.experts().get(expert), row);
            kernels.addScaled(sum, t * h, y, 0, weight, h);
          }
        }
      }
    }
    if (w.shared() != null) {
      float[] shared = feedForward(w.shared(), x);
      for (int t = 0; t < tokens; t++) {
        kernels.addScaled(sum, t * h, shared, t * h, SharedExperts.weight(w.sharedGate(), kernels, x, t), h);
      }
    }
    observer.stage(layer + "expert_output", sum);
    return sum;
  }

  /** x is (T, H); the result is (T, H). */
  private float[] feedForward(FeedForwardWeights w, float[] x) {
    float[] out = new float[x.length];
    feedForward.forward(List.of(w), new int[]{0, x.length / w.hidden()}, x, out);
    return out;
  }

  /** x is (T, weight.cols); the result is (T, weight.rows). */
  private float[] multiply(Matrix weight, float @Nullable [] bias, float[] x) {
    int tokens = x.length / weight.cols();
    float[] out = new float[tokens * weight.rows()];
    kernels.matmul(weight, 0, weight.rows(), x, 0, weight.cols(), tokens, out, 0, weight.rows());
    if (bias != null) {
      for (int t = 0; t < tokens; t++) {
        kernels.addScaled(out, t * bias.length, bias, 0, 1f, bias.length);
      }
    }
    return out;
  }

  /** Row by row, a row being as wide as the weights; x itself without a norm. */
  private float[] normalize(@Nullable Norm norm, @Nullable NormWeights w, float[] x) {
    if (norm == null || w == null) {
      return x;
    }
    float[] out = new float[x.length];
    for (int at = 0; at < x.length; at += w.weight().length) {
      Norms.apply(kernels, norm, w, x, at, out, at);
    }
    return out;
  }

  private static void clamp(float[] x, float limit) {
    for (int i = 0; i < x.length; i++) {
      x[i] = Math.clamp(x[i], -limit, limit);
    }
  }

  private static void scale(float[] x, float factor) {
    for (int i = 0; i < x.length; i++) {
      x[i] *= factor;
    }
  }

  private void addScaled(float[] x, float[] delta, float factor) {
    kernels.addScaled(x, 0, delta, 0, factor, x.length);
  }
}
