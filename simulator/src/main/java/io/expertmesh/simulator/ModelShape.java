package io.expertmesh.simulator;

/**
 * What of a model decides its speed and its size.
 *
 * @param moeLayers layers with experts; what the other layers cost is spread over these
 * @param experts in each of them
 * @param topK experts that a token visits in each of them
 * @param hidden width of a token's state
 * @param expertBytes weights of one expert in one layer
 * @param expertParameters the same, counted
 * @param denseBytes all weights but the experts'
 * @param denseReadBytes of them those that every step reads: not the whole table of embeddings
 * @param denseParameters of them those that take part in computing a token
 * @param cacheBytes keys and values of a token, in all layers
 */
public record ModelShape(String name, int moeLayers, int experts, int topK, int hidden, long expertBytes,
    long expertParameters, long denseBytes, long denseReadBytes, long denseParameters, long cacheBytes) {
  /** A token's state travels as f32. */
  private static final int STATE_BYTES = 4;

  /** All weights. */
  public long bytes() {
    return denseBytes + expertBytes * experts * moeLayers;
  }

  /** What a pod that holds {@code ids} experts has of them, in all layers. */
  public long groupBytes(int ids) {
    return expertBytes * ids * moeLayers;
  }

  /** Bytes of one token's state on the network. */
  public int stateBytes() {
    return STATE_BYTES * hidden;
  }

  /** The same model with another number of bytes for each weight. */
  public ModelShape withBytesPerWeight(double bytes) {
    return new ModelShape(name, moeLayers, experts, topK, hidden, (long) (expertParameters * bytes), expertParameters,
        (long) (denseBytes * (denseParameters * bytes / denseReadBytes)), (long) (denseParameters * bytes),
        denseParameters, cacheBytes);
  }
}
