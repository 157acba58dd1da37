package io.expertmesh.router.scaling;

import io.expertmesh.model.failure.FailureException;
import java.util.Map;

/**
 * The gateways as their ScaledObject describes them, in the metadata of its trigger.
 *
 * @param queue requests that may wait, for each gateway
 * @param runningPercent of the requests that a gateway can run at once
 * @param kvPercent of a gateway's pages for keys and values
 */
public record ScaledGateways(int queue, int runningPercent, int kvPercent) {
  private static final String GATEWAYS = "gateways";

  /** Whether the trigger is about gateways, and not about a group of experts. */
  public static boolean isMeant(Map<String, String> metadata) {
    return Boolean.parseBoolean(metadata.getOrDefault(GATEWAYS, "false"));
  }

  /** @throws FailureException INVALID_REQUEST naming what is wrong */
  public static ScaledGateways of(Map<String, String> metadata) {
    TriggerMetadata said = new TriggerMetadata(metadata);
    return new ScaledGateways(said.number("targetQueue", 4, 1, 100_000),
        said.number("targetRunningPercent", 80, 1, 100),
        said.number("targetKvPercent", 80, 1, 100));
  }
}
