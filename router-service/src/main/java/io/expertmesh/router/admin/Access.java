package io.expertmesh.router.admin;

import io.expertmesh.router.metrics.RouterCounters;
import io.expertmesh.router.metrics.RouterCounters.Event;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Who may do what. Without keys, operators are those who can reach a router that only this machine can reach. */
public final class Access {
  /** What a caller wants. */
  public enum Right {
    /** Metrics. */
    READ,
    /** The state, and to change it. */
    ADMIN
  }

  private static final Logger log = LoggerFactory.getLogger(Access.class);
  private static final String SCHEME = "Bearer ";

  private final List<OperatorKey> keys;
  private final boolean loopback;
  private final RouterCounters counters;

  /** @param loopback whether only this machine can reach the router */
  public Access(List<OperatorKey> keys, boolean loopback, RouterCounters counters) {
    this.keys = List.copyOf(keys);
    this.loopback = loopback;
    this.counters = counters;
  }

  /**
   * @param authorization the header; null if there is none
   * @throws AccessDenied if the caller may not
   */
  public void require(Right right, @Nullable String authorization) {
    try {
      check(right, authorization);
    } catch (AccessDenied denied) {
      counters.count(Event.ADMIN_REFUSED);
      log.warn("Refused an operator's call: {}", denied.getMessage());
      throw denied;
    }
  }

  private void check(Right right, @Nullable String authorization) {
    if (keys.isEmpty()) {
      if (right == Right.ADMIN && !loopback) {
        throw new AccessDenied(true, "Other machines can reach this router, so admin calls need a key: "
            + "configure expertmesh.router.keys.");
      }
      return;
    }
    if (authorization == null || !authorization.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
      throw new AccessDenied(false, "This call needs a key: send 'Authorization: Bearer KEY'.");
    }
    String sent = authorization.substring(SCHEME.length()).strip();
    OperatorKey holder = null;
    for (OperatorKey key : keys) {
      if (key.matches(sent)) {
        holder = key;
      }
    }
    if (holder == null) {
      throw new AccessDenied(false, "The key is wrong.");
    }
    if (right == Right.ADMIN && !holder.admin()) {
      throw new AccessDenied(true, "The key '%s' has no admin right.".formatted(holder.name()));
    }
  }
}
