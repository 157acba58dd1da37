package io.expertmesh.router.scaling;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.router.placement.ExpertRanges;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * A group of experts as its ScaledObject describes it, in the metadata of its trigger.
 *
 * @param experts ascending
 * @param names what the names of its processes begin with, which tells groups apart that hold the same experts; empty
 *     for all
 * @param utilization percent of its time that a replica shall compute
 * @param queueDelay how long a batch may wait
 * @param sleeps whether the group may have no replica at all
 */
public record ScaledGroup(List<Integer> experts, String names, int utilization, Duration queueDelay, boolean sleeps) {
  private static final String EXPERTS = "experts";

  /** @throws FailureException INVALID_REQUEST naming what is missing or wrong */
  public static ScaledGroup of(Map<String, String> metadata) {
    String experts = metadata.get(EXPERTS);
    if (experts == null) {
      throw FailureException.invalidParameter(EXPERTS,
          "The trigger's metadata have no 'experts'; give the ids of the group, such as 0-7.");
    }
    TriggerMetadata said = new TriggerMetadata(metadata);
    return new ScaledGroup(ExpertRanges.parse(EXPERTS, experts), metadata.getOrDefault("names", ""),
        said.number("targetUtilization", 60, 1, 100),
        Duration.ofMillis(said.number("targetQueueDelayMillis", 500, 1, 600_000)),
        Boolean.parseBoolean(metadata.getOrDefault("scaleToZero", "false")));
  }
}
