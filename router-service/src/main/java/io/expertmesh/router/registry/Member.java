package io.expertmesh.router.registry;

import io.expertmesh.proto.v1.ProcessState;
import io.expertmesh.proto.v1.RegisterRequest;
import io.expertmesh.proto.v1.Replica;
import io.expertmesh.proto.v1.ReplicaState;
import io.expertmesh.router.load.ProcessLoad;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A registered process. Belongs to the event loop. */
public final class Member {
  private final ProcessLoad load = new ProcessLoad();
  private final ProcessLink link;
  private RegisterRequest registration;
  private long leaseEndNanos;
  private boolean drained;
  private @Nullable Replica replica;

  Member(ProcessLink link, RegisterRequest registration) {
    this.link = link;
    this.registration = registration;
  }

  /** Takes over what the process says now. Returns whether that may change where calls go. */
  boolean renew(RegisterRequest said) {
    RegisterRequest before = registration;
    boolean sameModel = before.getFingerprint().equals(said.getFingerprint());
    // The same object makes later comparisons quick.
    registration = sameModel ? said.toBuilder().setFingerprint(before.getFingerprint()).build() : said;
    boolean same = sameModel && before.getState() == said.getState()
        && before.getExpertIdsList().equals(said.getExpertIdsList())
        && before.getName().equals(said.getName())
        && before.getTakesAssignments() == said.getTakesAssignments()
        && before.getMaxExperts() == said.getMaxExperts()
        && before.getAssignmentId() == said.getAssignmentId();
    return !same;
  }

  /** The process as gateways see it. */
  public Replica replica(List<Integer> expertIds, ReplicaState state) {
    Replica cached = replica;
    if (cached == null || cached.getState() != state || !cached.getFingerprint().equals(registration.getFingerprint())
        || !cached.getExpertIdsList().equals(expertIds) || !cached.getName().equals(name())) {
      cached = Replica.newBuilder()
          .setProcessId(id())
          .setName(name())
          .setEndpoint(endpoint())
          .setFingerprint(registration.getFingerprint())
          .addAllExpertIds(expertIds)
          .setState(state)
          .build();
      replica = cached;
    }
    return cached;
  }

  public String id() {
    return registration.getProcessId();
  }

  public String name() {
    return registration.getName();
  }

  String endpoint() {
    return registration.getEndpoint();
  }

  /** The model's version that it computes. */
  public String version() {
    return registration.getFingerprint().getVersion();
  }

  /** What it said last. */
  public RegisterRequest registration() {
    return registration;
  }

  public ProcessLink link() {
    return link;
  }

  public ProcessLoad load() {
    return load;
  }

  public boolean isReady() {
    return registration.getState() == ProcessState.PROCESS_STATE_READY;
  }

  /** Whether the process itself is about to stop. */
  public boolean isStopping() {
    return registration.getState() == ProcessState.PROCESS_STATE_DRAINING;
  }

  /** Whether an operator keeps calls away from it. */
  public boolean isDrained() {
    return drained;
  }

  public void drained(boolean now) {
    drained = now;
  }

  /** When its lease runs out, by the event loop's clock. */
  public long leaseEndNanos() {
    return leaseEndNanos;
  }

  void leaseEndNanos(long end) {
    leaseEndNanos = end;
  }

  @Override
  public String toString() {
    return "%s (%s at %s)".formatted(name(), id(), endpoint());
  }
}
