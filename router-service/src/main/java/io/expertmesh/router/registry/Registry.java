package io.expertmesh.router.registry;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.RegisterRequest;
import io.expertmesh.router.loop.EventLoop;
import io.expertmesh.router.metrics.RouterCounters;
import io.expertmesh.router.metrics.RouterCounters.Event;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The processes that are alive: each has a stream and a lease. Belongs to the event loop. */
public final class Registry {
  private static final Logger log = LoggerFactory.getLogger(Registry.class);

  /** Hears of what changes. */
  public interface Listener {
    /** A process registered for the first time, or said again how it is ({@code changed} if that is news). */
    void heardFrom(Member member, boolean changed);

    void left(Member member);
  }

  private final EventLoop loop;
  private final Duration lease;
  private final int maxProcesses;
  private final RouterCounters counters;
  private final Listener listener;
  private final Map<String, Member> byId = new TreeMap<>();
  private final Map<String, Member> byEndpoint = new HashMap<>();
  private final Map<ProcessLink, Member> byLink = new HashMap<>();
  private long lastExpiryNanos;

  public Registry(EventLoop loop, Duration lease, int maxProcesses, RouterCounters counters, Listener listener) {
    this.loop = loop;
    this.lease = lease;
    this.maxProcesses = maxProcesses;
    this.counters = counters;
    this.listener = listener;
    this.lastExpiryNanos = loop.nanos();
  }

  /** A message on a process's stream. What is refused ends the stream. */
  public void register(ProcessLink link, RegisterRequest request) {
    Member known = byLink.get(link);
    try {
      RegistrationRules.check(request);
      boolean changed = known == null || renew(known, request);
      Member member = known == null ? join(link, request) : known;
      member.leaseEndNanos(loop.nanos() + lease.toNanos());
      listener.heardFrom(member, changed);
    } catch (Refusal refused) {
      counters.count(refused.event());
      log.warn("Refused a registration of {}: {}", known == null ? "a new process" : known, refused.getMessage());
      if (known != null) {
        remove(known);
      }
      link.close(refused.status());
    }
  }

  private static boolean renew(Member member, RegisterRequest request) {
    if (!request.getProcessId().equals(member.id()) || !request.getEndpoint().equals(member.endpoint())) {
      throw Refusal.invalid("The stream is that of %s; it cannot become %s at %s.".formatted(member,
          request.getProcessId(), request.getEndpoint()));
    }
    return member.renew(request);
  }

  private Member join(ProcessLink link, RegisterRequest request) {
    Member same = byId.get(request.getProcessId());
    if (same != null && !same.endpoint().equals(request.getEndpoint())) {
      throw Refusal.duplicate("Process id %s is that of %s, which is alive; %s at %s must choose another.".formatted(
          request.getProcessId(), same, request.getName(), request.getEndpoint()));
    }
    Member older = byEndpoint.get(request.getEndpoint());
    if (older == null && byId.size() >= maxProcesses) {
      throw Refusal.tooMany("There are %d processes already, as many as max-processes allows.".formatted(byId.size()));
    }
    if (older != null) {
      remove(older);
      older.link().close(Status.ABORTED.withDescription("A newer registration at %s took this one's place."
          .formatted(request.getEndpoint())));
      counters.count(Event.REPLACED);
    }
    Member member = new Member(link, request);
    byId.put(member.id(), member);
    byEndpoint.put(member.endpoint(), member);
    byLink.put(link, member);
    counters.count(Event.REGISTERED);
    log.info("Registered {}, version {}, {} experts", member, member.version(), request.getExpertIdsCount());
    return member;
  }

  /** A process's stream broke or ended. */
  public void disconnected(ProcessLink link) {
    Member member = byLink.get(link);
    if (member != null) {
      log.info("The stream of {} ended", member);
      counters.count(Event.STREAM_BROKEN);
      remove(member);
    }
  }

  /** Removes the processes whose leases ran out. To be called many times per lease. */
  public void expire() {
    long now = loop.nanos();
    long since = now - lastExpiryNanos;
    lastExpiryNanos = now;
    boolean stoppedItself = since > lease.toNanos() / 2;
    for (Member member : new ArrayList<>(byId.values())) {
      if (stoppedItself) {
        // This router was halted meanwhile; what its processes said may not have been read yet.
        member.leaseEndNanos(member.leaseEndNanos() + since);
      } else if (now - member.leaseEndNanos() >= 0) {
        log.warn("The lease of {} ran out: nothing was heard of it for {} ms", member, lease.toMillis());
        counters.count(Event.LEASE_EXPIRED);
        remove(member);
        member.link().close(Status.UNAVAILABLE.withDescription(
            "Nothing was heard of %s for %d ms; register again.".formatted(member, lease.toMillis())));
      }
    }
  }

  private void remove(Member member) {
    byId.remove(member.id());
    byEndpoint.remove(member.endpoint());
    byLink.remove(member.link());
    listener.left(member);
  }

  /** All, by id. */
  public Collection<Member> members() {
    return byId.values();
  }

  public @Nullable Member get(String id) {
    return byId.get(id);
  }

  /**
   * Those with the name or the id {@code process}.
   *
   * @throws FailureException NOT_FOUND if there are none
   */
  public List<Member> find(String process) {
    Member exact = byId.get(process);
    List<Member> found = exact != null
        ? List.of(exact)
        : byId.values().stream().filter(member -> member.name().equals(process)).toList();
    if (found.isEmpty()) {
      throw new FailureException(FailureCategory.NOT_FOUND,
          "No process '%s' is registered; the state lists those that are.".formatted(process));
    }
    return found;
  }

  /** Ends all streams. */
  public void close(Status why) {
    byLink.keySet().forEach(link -> link.close(why));
    byId.clear();
    byEndpoint.clear();
    byLink.clear();
  }
}
