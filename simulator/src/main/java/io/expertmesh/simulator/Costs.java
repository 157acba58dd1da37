package io.expertmesh.simulator;

/**
 * What a step is made of, in seconds. A layer of a step with {@code rows} rows takes a gateway
 * {@code denseFixed + rows * denseRow}, then {@code gatewaySend} for each message and {@code gatewayReceive} for each
 * answer. A batch of an expert process takes {@code expertMessage} for each of its messages, {@code expertRead} for
 * each expert that has rows, and {@code expertRow} for each row. Both take {@code messageByte} for each byte of a message
 * or an answer that they write or read. It travels {@code latency} and {@code networkByte} for each byte.
 *
 * @param denseFixed one layer's weights but the experts', read once
 * @param denseRow attention, gate and the rest for one row
 */
public record Costs(double denseFixed, double denseRow, double gatewaySend, double gatewayReceive,
    double expertMessage, double messageByte, double expertRead, double expertRow, double latency, double networkByte) {
  private static final double BITS = 8e-9;
  private static final double BYTES = 1e-9;

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
        network.gatewaySend(), network.gatewayReceive(), network.expertMessage(), BYTES / network.messageGigabytes(),
        expert.readSeconds((double) model.expertBytes()), expert.computeSeconds(2.0 * model.expertParameters()),
        network.latency(), BITS / network.gigabits());
  }

  /** What a gateway computes for a layer before it sends. */
  public double dense(int rows) {
    return denseFixed + rows * denseRow;
  }

  /** What a gateway needs to send a message of so many bytes. */
  public double send(double bytes) {
    return gatewaySend + bytes * messageByte;
  }

  /** What a gateway needs to take in answers of so many bytes in all. */
  public double receive(int answers, double bytes) {
    return answers * gatewayReceive + bytes * messageByte;
  }

  /** What experts compute. */
  public double compute(int experts, int rows) {
    return experts * expertRead + rows * expertRow;
  }

  /**
   * What an expert process needs for a batch.
   *
   * @param bytes of its messages and their answers
   */
  public double batch(int messages, double bytes, int experts, int rows) {
    return messages * expertMessage + bytes * messageByte + compute(experts, rows);
  }

  /** On its way. */
  public double travel(double bytes) {
    return latency + bytes * networkByte;
  }
}
