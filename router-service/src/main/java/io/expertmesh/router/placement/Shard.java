package io.expertmesh.router.placement;

import io.expertmesh.proto.v1.TableVersion;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** A process that takes assignments, and what it holds, shall hold, and is called for. */
final class Shard {
  /** An expert that shall be elsewhere. It is called here until it can be called there. */
  private static final class Leaving {
    boolean called = true;
    /** The first version of the table in which it is not called here. */
    @Nullable
    TableVersion absentSince;
    long releaseNanos;
  }

  final String id;
  private ShardReport report;
  private final TreeSet<Integer> wanted = new TreeSet<>();
  private final TreeMap<Integer, Leaving> leaving = new TreeMap<>();
  private TreeSet<Integer> held;
  private Assignments assigned;
  private boolean assignmentIsNews;

  /**
   * @param id greater than those before; 0 if there was none
   * @param expertIds ascending
   */
  record Assignments(long id, List<Integer> expertIds) {}

  Shard(ShardReport report) {
    this.id = report.id();
    this.report = report;
    this.held = new TreeSet<>(report.held());
    this.assigned = new Assignments(report.assignmentId(), report.held());
  }

  void report(ShardReport said) {
    report = said;
    held = new TreeSet<>(said.held());
    leaving.keySet().retainAll(held);
  }

  String name() {
    return report.name();
  }

  /** Whether it may be given experts. */
  boolean takesExperts() {
    return report.takesExperts();
  }

  /** What it measured; 0 if it has not. */
  double rowsPerSecond() {
    return report.rowsPerSecond();
  }

  boolean canServe(int expert) {
    return report.ready() && held.contains(expert);
  }

  boolean holds(int expert) {
    return held.contains(expert);
  }

  boolean holdsAny() {
    return !held.isEmpty();
  }

  /** What it shall hold. */
  NavigableSet<Integer> wanted() {
    return wanted;
  }

  boolean wants(int expert) {
    return wanted.contains(expert);
  }

  /** How many more experts fit, those that leave still counted. */
  int room() {
    int most = report.maxExperts() == 0 ? Integer.MAX_VALUE : report.maxExperts();
    return most - wanted.size() - leaving.size();
  }

  boolean isLeaving(int expert) {
    return leaving.containsKey(expert);
  }

  boolean hasRoomFor(int expert) {
    return isLeaving(expert) || room() > 0;
  }

  void want(int expert) {
    wanted.add(expert);
    leaving.remove(expert);
  }

  void wantNoMore(int expert) {
    if (wanted.remove(expert) && held.contains(expert)) {
      leaving.put(expert, new Leaving());
    }
  }

  /** Decides of each expert that leaves whether it is still called here. */
  void reviewLeaving(ExpertElsewhere elsewhere) {
    leaving.forEach((expert, state) -> {
      boolean needed = !elsewhere.canBeCalled(expert);
      if (needed) {
        state.absentSince = null;
      }
      state.called = needed;
    });
  }

  /** Whether an expert can be called at all the processes that shall hold it. */
  interface ExpertElsewhere {
    boolean canBeCalled(int expert);
  }

  /** Whether calls for the expert come here. */
  boolean isCalledFor(int expert) {
    if (!held.contains(expert)) {
      return false;
    }
    Leaving state = leaving.get(expert);
    return state == null ? wanted.contains(expert) : state.called;
  }

  /** The experts that it is called for, ascending. */
  List<Integer> calledFor() {
    List<Integer> experts = new ArrayList<>();
    for (int expert : held) {
      if (isCalledFor(expert)) {
        experts.add(expert);
      }
    }
    return experts;
  }

  /** Whether experts that leave are still called here. */
  boolean isStillNeeded() {
    return leaving.values().stream().anyMatch(state -> state.called);
  }

  /** The table that holds the decisions so far is out as {@code version}. */
  void published(TableVersion version, long releaseNanos) {
    for (Leaving state : leaving.values()) {
      if (!state.called && state.absentSince == null) {
        state.absentSince = version;
        state.releaseNanos = releaseNanos;
      }
    }
  }

  /** Gives up the experts that no gateway calls here any more. Returns how many. */
  int release(AcknowledgedVersions acknowledged, long nanos) {
    int before = leaving.size();
    leaving.values().removeIf(state -> state.absentSince != null
        && (acknowledged.byAll(state.absentSince) || nanos - state.releaseNanos >= 0));
    return before - leaving.size();
  }

  /** Makes a new assignment if what it shall hold, or must hold for a while longer, has changed. */
  void assign(AssignmentIds ids) {
    TreeSet<Integer> all = new TreeSet<>(wanted);
    all.addAll(leaving.keySet());
    List<Integer> experts = List.copyOf(all);
    if (!experts.equals(assigned.expertIds())) {
      assigned = new Assignments(ids.next(), experts);
      assignmentIsNews = true;
    }
  }

  Assignments assigned() {
    return assigned;
  }

  /** Whether the assignment changed since this was asked last. */
  boolean takeNews() {
    boolean news = assignmentIsNews;
    assignmentIsNews = false;
    return news;
  }
}
