package io.expertmesh.expert.compute;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.transport.GrpcServer;

/**
 * What batches may be.
 *
 * @param layers of the model, with and without experts
 * @param experts in each layer
 * @param hidden floats of a row
 * @param maxRows of a batch, and of what is computed at once
 * @param maxQueuedRows that may wait, of all gateways together
 */
public record BatchLimits(int layers, int experts, int hidden, int maxRows, int maxQueuedRows) {
  private static final int MOST_ROWS = 8192;
  private static final int MESSAGE_OVERHEAD_BYTES = 256 << 10;

  /** For a model whose results fit into a message. */
  public static BatchLimits of(Architecture model, int maxQueuedRows) {
    int fitting = (GrpcServer.MAX_MESSAGE_BYTES - MESSAGE_OVERHEAD_BYTES) / (model.hiddenSize() * Float.BYTES);
    return new BatchLimits(model.blocks().size(), model.experts(), model.hiddenSize(),
        Math.clamp(fitting, 1, Math.min(MOST_ROWS, maxQueuedRows)), maxQueuedRows);
  }
}
