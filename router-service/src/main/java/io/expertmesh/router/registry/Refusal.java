package io.expertmesh.router.registry;

import io.expertmesh.router.metrics.RouterCounters.Event;
import io.grpc.Status;

/** A registration or a watch that the router does not take. */
public final class Refusal extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient Event event;
  private final transient Status status;

  private Refusal(Event event, Status status) {
    super(status.getDescription(), null, false, false);
    this.event = event;
    this.status = status;
  }

  /** Contradicts itself or what is possible. */
  public static Refusal invalid(String message) {
    return new Refusal(Event.REFUSED_INVALID, Status.INVALID_ARGUMENT.withDescription(message));
  }

  /** Claims to be a process that is alive elsewhere. */
  public static Refusal duplicate(String message) {
    return new Refusal(Event.REFUSED_DUPLICATE, Status.ALREADY_EXISTS.withDescription(message));
  }

  /** Would be one more than the router is configured for. */
  public static Refusal tooMany(String message) {
    return new Refusal(Event.REFUSED_TOO_MANY, Status.RESOURCE_EXHAUSTED.withDescription(message));
  }

  /** What it is counted as. */
  public Event event() {
    return event;
  }

  public Status status() {
    return status;
  }
}
