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
 * @param utilization percent of its time that a replica shall compute
 * @param queueDelay how long a batch may wait
 * @param sleeps whether the group may have no replica at all
 */
public record ScaledGroup(List<Integer> experts, int utilization, Duration queueDelay, boolean sleeps) {
  private static final String EXPERTS = "experts";

  /** @throws FailureException INVALID_REQUEST naming what is missing or wrong */
  public static ScaledGroup of(Map<String, String> metadata) {
    String experts = metadata.get(EXPERTS);
    if (experts == null) {
      throw FailureException.invalidParameter(EXPERTS,
          "The trigger's metadata have no 'experts'; give the ids of the group, such as 0-7.");
    }
    return new ScaledGroup(ExpertRanges.parse(EXPERTS, experts), number(metadata, "targetUtilization", 60, 1, 100),
        Duration.ofMillis(number(metadata, "targetQueueDelayMillis", 500, 1, 600_000)),
        Boolean.parseBoolean(metadata.getOrDefault("scaleToZero", "false")));
  }

  private static int number(Map<String, String> metadata, String name, int otherwise, int least, int most) {
    String text = metadata.get(name);
    if (text == null) {
      return otherwise;
    }
    try {
      int number = Integer.parseInt(text);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException noNumber) {
      // Said below.
    }
    throw FailureException.invalidParameter(name,
        "The trigger's '%s' is '%s'; it must be a whole number from %d to %d.".formatted(name, text, least, most));
  }

  /** Such as {@code 0-7}: groups with the same experts are the same. */
  String key() {
    return ExpertRanges.of(experts);
  }
}
