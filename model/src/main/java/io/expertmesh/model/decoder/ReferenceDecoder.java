package io.expertmesh.model.decoder;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Matrix;
import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.Block;
import io.expertmesh.model.decoder.DecoderWeights.AttentionWeights;
import io.expertmesh.model.decoder.DecoderWeights.BlockWeights;
import io.expertmesh.model.decoder.DecoderWeights.MoeWeights;
import java.util.Arrays;

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
  private final Observer observer;

  /**
   * @param weights bound with {@link ScalarKernels}
   */
  public ReferenceDecoder(Architecture model, DecoderWeights weights, Observer observer) {
    this.model = model;
    this.weights = weights;
    this.observer = observer;
  }

  /** The logits (T, V) of {@code tokenIds} (T). */
  public float[] logits(int[] tokenIds) {
    int h = model.hiddenSize();
    float[] x = new float[tokenIds.length * h]; // (T, H)
    for (int t = 0; t < tokenIds.length; t++) {
      kernels.dequantize(weights.embedding(), tokenIds[t], x, t * h);
    }
    observer.stage("embeddings", x);
    for (int i = 0; i < model.blocks().size(); i++) {
      String layer = "layers." + i + ".";
      Block block = model.blocks().get(i);
      BlockWeights w = weights.blocks().get(i);
      add(x, attention(block.attention(), w.attention(), norm(x, w.attentionNorm())));
      observer.stage(layer + "attention_residual", x);
      add(x, mixture(layer, block, w.moe(), norm(x, w.moeNorm())));
      observer.stage(layer + "output", x);
    }
    float[] normed = norm(x, weights.finalNorm());
    observer.stage("final_norm", normed);
    float[] logits = multiply(weights.output(), normed);
    observer.stage("logits", logits);
    return logits;
  }

  /** x is (T, H); the result is (T, H). */
  private float[] attention(Attention a, AttentionWeights w, float[] x) {
    float[] queries = multiply(w.query(), x); // (T, heads * headDim)
    float[] keys = multiply(w.key(), x); // (T, kvHeads * headDim)
    float[] values = multiply(w.value(), x); // (T, kvHeads * headDim)
    int tokens = queries.length / a.queryWidth();
    if (a.fullWidthQkNorm()) {
      queries = norm(queries, w.queryNorm());
      keys = norm(keys, w.keyNorm());
    }
    if (a.clip() != null) {
      clamp(queries, a.clip());
      clamp(keys, a.clip());
      clamp(values, a.clip());
    }
    RotaryTable rotary = RotaryTable.of(tokens, a.headDim(), a.ropeTheta());
    rotate(queries, a.heads(), a.headDim(), rotary);
    rotate(keys, a.kvHeads(), a.headDim(), rotary);

    float[] mixed = new float[queries.length]; // (T, heads * headDim)
    for (int head = 0; head < a.heads(); head++) {
      int kvHead = head / (a.heads() / a.kvHeads());
      float[][] headKeys = {headOf(keys, kvHead, a)}; // one page (T, headDim)
      float[][] headValues = {headOf(values, kvHead, a)};
      for (int t = 0; t < tokens; t++) {
        int at = t * a.queryWidth() + head * a.headDim();
        kernels.attention(queries, at, a.headDim(), headKeys, headValues, tokens, 0, 0, t + 1, a.scale(),
            new float[t + 1], mixed, at);
      }
    }
    return multiply(w.output(), mixed);
  }

  /** One head (T, headDim) of x (T, kvHeads * headDim). */
  private static float[] headOf(float[] x, int kvHead, Attention a) {
    int tokens = x.length / a.keyValueWidth();
    float[] head = new float[tokens * a.headDim()];
    for (int t = 0; t < tokens; t++) {
      System.arraycopy(x, t * a.keyValueWidth() + kvHead * a.headDim(), head, t * a.headDim(), a.headDim());
    }
    return head;
  }

  private void rotate(float[] x, int heads, int headDim, RotaryTable rotary) {
    int tokens = x.length / (heads * headDim);
    for (int t = 0; t < tokens; t++) {
      for (int head = 0; head < heads; head++) {
        kernels.rotateHalf(x, (t * heads + head) * headDim, headDim, rotary.cos(), rotary.sin(), t * rotary.half());
      }
    }
  }

  /** x is (T, H); the result is (T, H). */
  private float[] mixture(String layer, Block block, MoeWeights w, float[] x) {
    int h = model.hiddenSize();
    int tokens = x.length / h;
    Gate gate = new Gate(block.moe(), w.gate(), kernels);
    Routing routing = gate.newRouting(tokens);
    for (int t = 0; t < tokens; t++) {
      gate.route(x, t, routing);
    }
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
      for (int expert = 0; expert < block.moe().experts(); expert++) { // ascending: the order of the sum is defined
        for (int rank = 0; rank < k; rank++) {
          float weight = routing.weights()[t * k + rank];
          if (routing.expertIds()[t * k + rank] == expert && weight != 0) {
            float[] y = expert(w.experts().get(expert), row);
            kernels.addScaled(sum, t * h, y, 0, weight, h);
          }
        }
      }
    }
    observer.stage(layer + "expert_output", sum);
    return sum;
  }

  /** x is (H); the result is (H). */
  private float[] expert(ExpertWeights w, float[] x) {
    float[] gate = multiply(w.gate(), x);
    float[] up = multiply(w.up(), x);
    kernels.gatedSilu(gate, 0, up, 0, gate.length);
    return multiply(w.down(), gate);
  }

  /** x is (T, weight.cols); the result is (T, weight.rows). */
  private float[] multiply(Matrix weight, float[] x) {
    int tokens = x.length / weight.cols();
    float[] out = new float[tokens * weight.rows()];
    kernels.matmul(weight, 0, weight.rows(), x, 0, weight.cols(), tokens, out, 0, weight.rows());
    return out;
  }

  private float[] norm(float[] x, float[] weight) {
    float[] out = new float[x.length];
    for (int at = 0; at < x.length; at += weight.length) {
      kernels.rmsNorm(x, at, weight, model.normEpsilon(), out, at);
    }
    return out;
  }

  private static void clamp(float[] x, float limit) {
    for (int i = 0; i < x.length; i++) {
      x[i] = Math.clamp(x[i], -limit, limit);
    }
  }

  private static void add(float[] x, float[] delta) {
    for (int i = 0; i < x.length; i++) {
      x[i] += delta[i];
    }
  }
}
