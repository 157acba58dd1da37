package io.expertmesh.engine.decoder;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.Block;
import io.expertmesh.model.architecture.CrossAttention;
import io.expertmesh.model.architecture.LatentAttention;
import io.expertmesh.model.architecture.Residual;

/** The activations of a step, allocated once and grown when a step has more rows than any before. */
final class Workspace {
  private final Architecture model;
  private final float[][] scores;
  private final float[][] latents;
  private float[] hidden = new float[0];
  private float[] normed = new float[0];
  private float[] delta = new float[0];
  private float[] queries = new float[0];
  private float[] keys = new float[0];
  private float[] values = new float[0];
  private float[] mixed = new float[0];
  private float[] queryLatents = new float[0];
  private float[] expertOutputs = new float[0];
  private float[] sharedOutput = new float[0];

  Workspace(Architecture model, int workers) {
    this.model = model;
    this.scores = new float[workers][0];
    this.latents = new float[workers][0];
  }

  void fit(int rows) {
    if (hidden.length >= rows * model.hiddenSize()) {
      return;
    }
    int queryWidth = 0;
    int keyWidth = 0;
    int mixedWidth = 0;
    int queryRank = 0;
    for (Block block : model.blocks()) {
      for (Residual residual : block.residuals()) {
        if (residual.operation() instanceof Attention attention) {
          queryWidth = Math.max(queryWidth, attention.queryWidth());
          keyWidth = Math.max(keyWidth, attention.keyValueWidth());
          mixedWidth = Math.max(mixedWidth, attention.queryWidth());
        } else if (residual.operation() instanceof LatentAttention attention) {
          queryWidth = Math.max(queryWidth, attention.queryWidth());
          keyWidth = Math.max(keyWidth, attention.cachedWidth());
          mixedWidth = Math.max(mixedWidth, attention.valueWidth());
          queryRank = Math.max(queryRank, attention.queryRank() == null ? 0 : attention.queryRank());
        } else if (residual.operation() instanceof CrossAttention cross) {
          queryWidth = Math.max(queryWidth, cross.width());
          mixedWidth = Math.max(mixedWidth, cross.width());
        }
      }
    }
    hidden = new float[rows * model.hiddenSize()];
    normed = new float[rows * model.hiddenSize()];
    delta = new float[rows * model.hiddenSize()];
    queries = new float[rows * queryWidth];
    keys = new float[rows * keyWidth];
    values = new float[rows * keyWidth];
    mixed = new float[rows * mixedWidth];
    queryLatents = new float[rows * queryRank];
    boolean shared = model.mixture().map(moe -> moe.shared() != null).orElse(false);
    sharedOutput = new float[shared ? rows * model.hiddenSize() : 0];
  }

  /** The residual stream (rows, hidden). */
  float[] hidden() {
    return hidden;
  }

  /** The normalised input of a sub-layer (rows, hidden). */
  float[] normed() {
    return normed;
  }

  /** The output of a sub-layer (rows, hidden). */
  float[] delta() {
    return delta;
  }

  /** (rows, queryWidth). */
  float[] queries() {
    return queries;
  }

  /** (rows, keyValueWidth), or (rows, cachedWidth) of latent attention. */
  float[] keys() {
    return keys;
  }

  /** (rows, keyValueWidth). */
  float[] values() {
    return values;
  }

  /** The heads' outputs (rows, queryWidth), or (rows, valueWidth) of latent attention. */
  float[] mixed() {
    return mixed;
  }

  /** The latents that queries are made from (rows, queryRank). */
  float[] queryLatents() {
    return queryLatents;
  }

  /** The experts' outputs (rows, hidden). */
  float[] expertOutputs(int rows) {
    if (expertOutputs.length < rows * model.hiddenSize()) {
      expertOutputs = new float[rows * model.hiddenSize()];
    }
    return expertOutputs;
  }

  /** The shared expert's output (rows, hidden); empty if the model has none. */
  float[] sharedOutput() {
    return sharedOutput;
  }

  /** Scratch of at least {@code positions} floats for one worker. */
  float[] scores(int worker, int positions) {
    if (scores[worker].length < positions) {
      scores[worker] = new float[Math.max(positions, 2 * scores[worker].length)];
    }
    return scores[worker];
  }

  /** Scratch of at least {@code floats} floats for one worker, beside {@link #scores}. */
  float[] latents(int worker, int floats) {
    if (latents[worker].length < floats) {
      latents[worker] = new float[floats];
    }
    return latents[worker];
  }
}
