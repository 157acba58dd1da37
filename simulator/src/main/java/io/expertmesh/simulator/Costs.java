package io.expertmesh.simulator;

/**
 * What a step is made of, in seconds. A layer of a step with {@code rows} rows takes a gateway
 * {@code denseFixed + rows * denseRow}, then {@code gatewaySend} for each message and {@code gatewayReceive} for each
 * answer. A batch of an expert process takes {@code expertMessage} for each of its messages, {@code expertRead} for
 * each expert that has rows, and {@code expertRow} for each row. A message travels {@code latency} and
 * {@code networkByte} for each byte.
 *
 * @param denseFixed one layer's weights but the experts', read once
 * @param denseRow attention, gate and the rest for one row
 */
public record Costs(double denseFixed, double denseRow, double gatewaySend, double gatewayReceive,
    double expertMessage, double expertRead, double expertRow, double latency, double networkByte) {
  private static final double BITS = 8e-9;

  /**
   * By counting operations and bytes.
   *
   * @param gateway where attention and gate run
   * @param expert where experts run
   * @param context positions that a row looks back at, on average
   */
  public static Costs of(ModelShape model, Hardware gateway, Hardware expert, Network network, double context) {
    double layers = model.moeLayers();
    return new Costs(gateway.readSeconds((double) model.denseReadBytes() / layers),
        gateway.computeSeconds(2.0 * model.denseParameters() / layers)
            + gateway.readSeconds(context * model.cacheBytes() / layers),
        network.gatewaySend(), network.gatewayReceive(), network.expertMessage(),
        expert.readSeconds((double) model.expertBytes()), expert.computeSeconds(2.0 * model.expertParameters()),
        network.latency(), BITS / network.gigabits());
  }

  /** What a gateway computes for a layer before it sends. */
  public double dense(int rows) {
    return denseFixed + rows * denseRow;
  }

  /** What an expert process computes for a batch. */
  public double batch(int messages, int experts, int rows) {
    return messages * expertMessage + experts * expertRead + rows * expertRow;
  }

  /** On its way. */
  public double travel(double bytes) {
    return latency + bytes * networkByte;
  }
}
