package io.expertmesh.gateway.remote;

import io.expertmesh.engine.api.WhenUnavailable;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.DType;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How experts in other processes are called, {@code expertmesh.experts.*} in a configuration file.
 *
 * @param deadline for the experts of one layer, all attempts together
 * @param microBatches parts of a step; with 2, attention of one runs while the experts of the other compute
 * @param startTimeout how long the gateway waits at its start until every expert has a replica
 * @param wire type of the numbers in messages
 * @param wakeTimeout how long a request waits for experts that sleep and are being started
 * @param wakeRequests how many requests may; others are treated as if the experts were missing
 * @param tableFile keeps the last routing table for a start while no router answers; null to wait for a router
 */
public record RemoteSettings(
    @DefaultValue("30s") Duration deadline,
    @DefaultValue("2") int microBatches,
    @DefaultValue("60s") Duration startTimeout,
    @DefaultValue("f32") Wire wire,
    @DefaultValue("120s") Duration wakeTimeout,
    @DefaultValue("1000") int wakeRequests,
    @Nullable Path tableFile) {
  /** Types of numbers, as users write them. */
  public enum Wire {
    /** The bits as they were computed. */
    f32(DType.D_TYPE_F32),
    /** Half the bytes, rounded. */
    bf16(DType.D_TYPE_BF16);

    final DType dtype;

    Wire(DType dtype) {
      this.dtype = dtype;
    }
  }

  public RemoteSettings {
    require(deadline.isPositive(), "deadline", deadline, "positive, such as 30s");
    require(microBatches == 1 || microBatches == 2, "micro-batches", microBatches, "1 or 2");
    require(!startTimeout.isNegative(), "start-timeout", startTimeout, "0s or more");
    require(!wakeTimeout.isNegative() && wakeTimeout.compareTo(WhenUnavailable.LONGEST_WAIT) <= 0, "wake-timeout",
        wakeTimeout, "between 0s and 1h");
    require(wakeRequests >= 0, "wake-requests", wakeRequests, "0 or more");
  }

  /** What holds where nothing is said. */
  public static RemoteSettings defaults() {
    return new RemoteSettings(Duration.ofSeconds(30), 1, Duration.ofSeconds(60), Wire.f32, Duration.ofSeconds(120),
        1000, null);
  }

  private static void require(boolean valid, String name, Object value, String expected) {
    if (!valid) {
      throw FailureException.invalidParameter("expertmesh.experts." + name,
          "expertmesh.experts.%s is %s; it must be %s.".formatted(name, value, expected));
    }
  }
}
