package io.expertmesh.router.scaling;

/**
 * What gateways have to do, all of them together, as they reported it over the last seconds.
 *
 * @param gateways that report
 * @param waiting requests in their queues
 * @param running how many gateways the running requests would fill
 * @param kv how many gateways' pages for keys and values are held
 */
public record GatewayNeeds(int gateways, double waiting, double running, double kv) {
  /** Nobody reports. */
  public static final GatewayNeeds NONE = new GatewayNeeds(0, 0, 0, 0);

  /** Of these and of others. */
  public GatewayNeeds plus(GatewayNeeds others) {
    return new GatewayNeeds(gateways + others.gateways, waiting + others.waiting, running + others.running,
        kv + others.kv);
  }
}
