package io.expertmesh.router.scaling;

import io.expertmesh.proto.v1.ProcessState;
import io.expertmesh.router.placement.ExpertRanges;
import io.expertmesh.router.registry.Member;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The demand for each group of experts, from what its processes report and what gateways want, and which groups may
 * sleep. A group is what its processes hold; those that take assignments are none. Belongs to the event loop.
 */
public final class ExpertScaling {
  /** After so long without a question nobody would wake a group. */
  static final Duration WATCHED = Duration.ofSeconds(60);
  /** How long the replicas that serve are kept after one was seen starting: by then the next of a rollout starts. */
  static final Duration ROLLOUT = Duration.ofSeconds(20);
  /** A group without processes is forgotten when nobody asked for it for so long. */
  private static final Duration FORGOTTEN = Duration.ofMinutes(10);

  /** @param names what the names of the processes begin with */
  private record Key(String experts, String names) {
    static final Comparator<Key> ORDER = Comparator.comparing(Key::experts).thenComparing(Key::names);
  }

  private static final class Group {
    final GroupDemand demand;
    long heardNanos;
    long askedNanos;
    boolean sleeps;
    long startedNanos;
    final List<Integer> experts;
    final String names;

    Group(List<Integer> experts, String names, long nanos) {
      this.experts = experts;
      this.names = names;
      demand = new GroupDemand(nanos);
      heardNanos = nanos;
      askedNanos = nanos - FORGOTTEN.toNanos();
      startedNanos = nanos - ROLLOUT.toNanos();
    }

    boolean has(Member member) {
      return member.name().startsWith(names) && member.registration().getExpertIdsList().equals(experts);
    }
  }

  private final Map<Key, Group> groups = new TreeMap<>(Key.ORDER);

  /**
   * A process said how it is.
   *
   * @param changed whether it said something else before, or nothing
   */
  public void heardFrom(Member member, boolean changed, long nanos) {
    var said = member.registration();
    if (said.getTakesAssignments() || said.getExpertIdsCount() == 0) {
      return;
    }
    group(said.getExpertIdsList(), "", nanos);
    for (Group group : groups.values()) {
      if (group.has(member)) {
        group.heardNanos = nanos;
        if (said.hasLoad()) {
          group.demand.add(said.getLoad(), said.getRowsPerSecond(), nanos);
        }
        if (changed && (said.getState() == ProcessState.PROCESS_STATE_WARMING || member.isReady())) {
          group.startedNanos = nanos;
        }
      }
    }
  }

  /** One that is new, of processes that may have been there before it was asked for, takes over what is known of all. */
  private Group group(List<Integer> experts, String names, long nanos) {
    String ranges = ExpertRanges.of(experts);
    Group whole = groups.get(new Key(ranges, ""));
    return groups.computeIfAbsent(new Key(ranges, names), _ -> {
      Group group = new Group(List.copyOf(experts), names, nanos);
      if (whole != null) {
        group.startedNanos = whole.startedNanos;
      }
      return group;
    });
  }

  /** Somebody asks for the group, and would start it. */
  public void watched(ScaledGroup asked, long nanos) {
    Group group = group(asked.experts(), asked.names(), nanos);
    group.askedNanos = nanos;
    group.sleeps = asked.sleeps();
  }

  /** What the group of these experts needs. */
  public GroupNeeds needs(ScaledGroup asked, Collection<Member> members, Set<Integer> wanted, long nanos) {
    return needs(group(asked.experts(), asked.names(), nanos), members, wanted, nanos);
  }

  /** What each group needs, by its experts: of all processes with them. */
  public List<GroupNeeds> needs(Collection<Member> members, Set<Integer> wanted, long nanos) {
    groups.values().removeIf(group -> nanos - Math.max(group.heardNanos, group.askedNanos) > FORGOTTEN.toNanos());
    List<GroupNeeds> needs = new ArrayList<>();
    groups.forEach((key, group) -> {
      if (key.names().isEmpty()) {
        needs.add(needs(group, members, wanted, nanos));
      }
    });
    return needs;
  }

  private static GroupNeeds needs(Group group, Collection<Member> members, Set<Integer> wanted, long nanos) {
    int ready = 0;
    for (Member member : members) {
      ready += member.isReady() && group.has(member) ? 1 : 0;
    }
    boolean rollout = nanos - group.startedNanos < ROLLOUT.toNanos();
    return new GroupNeeds(ExpertRanges.of(group.experts), ready, group.demand.rowsPerSecond(nanos),
        group.demand.busyReplicas(nanos), group.demand.queueDelay(nanos), rollout ? ready : 0,
        !Collections.disjoint(group.experts, wanted));
  }

  /** Experts of groups that somebody would start and that no ready process holds, ascending. */
  public List<Integer> sleeping(Collection<Member> members, long nanos) {
    TreeSet<Integer> sleeping = new TreeSet<>();
    for (Group group : groups.values()) {
      if (group.sleeps && nanos - group.askedNanos < WATCHED.toNanos()) {
        Set<Integer> asleep = new HashSet<>(group.experts);
        for (Member member : members) {
          if (member.isReady() && !member.isDrained() && member.name().startsWith(group.names)) {
            member.registration().getExpertIdsList().forEach(asleep::remove);
          }
        }
        sleeping.addAll(asleep);
      }
    }
    return List.copyOf(sleeping);
  }
}
