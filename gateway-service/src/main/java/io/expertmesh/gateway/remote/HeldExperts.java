package io.expertmesh.gateway.remote;

import io.expertmesh.proto.v1.Fingerprint;
import io.expertmesh.transport.Fingerprints;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Which experts of this gateway's model a process holds: as the routing table says, as it says itself when a connection
 * stands, and without those that it has turned out to lack. Changes on the control thread; {@link #refusal} and
 * {@link #news} are for all threads.
 */
final class HeldExperts {
  private final Fingerprint ours;
  private final boolean exact;
  private final Consumer<String> onMismatch;
  private Set<Integer> offered = Set.of();
  private Set<Integer> held = Set.of();
  /** Held until the table said that others do now. */
  private Set<Integer> former = Set.of();
  private final Set<Integer> lacking = new HashSet<>();
  private @Nullable String rejection;
  private volatile @Nullable String refusal;
  private volatile int news;

  /**
   * @param ours with the digests of all experts
   * @param exact whether answers must have the bits that any other process would compute
   * @param onMismatch hears why experts are not used
   */
  HeldExperts(Fingerprint ours, boolean exact, Consumer<String> onMismatch) {
    this.ours = ours;
    this.exact = exact;
    this.onMismatch = onMismatch;
  }

  /**
   * The table has news of the process.
   *
   * @param connected whether it can be called now
   */
  void listed(Fingerprint theirs, Collection<Integer> ids, boolean connected) {
    refusal = null;
    news = Math.addExact(news, 1); // only this thread writes it
    lacking.clear();
    offered = matching(theirs, ids);
    rejection = offered.isEmpty() ? refusal : null;
    if (connected) {
      former = new HashSet<>(former);
      former.addAll(held);
      former.removeAll(offered);
      held = offered;
    }
  }

  /**
   * The process itself says what it is.
   *
   * @return whether some of its experts can be used; if not, none can until the table has news
   */
  boolean welcomed(Fingerprint theirs) {
    held = matching(theirs, offered);
    former = Set.of();
    rejection = held.isEmpty() ? refusal : null;
    if (held.isEmpty()) {
      offered = Set.of();
    }
    return !held.isEmpty();
  }

  /** The process does not work for this gateway. */
  void refused(String reason) {
    refusal = reason;
    rejection = reason;
  }

  /**
   * The process has turned out not to hold some experts.
   *
   * @param newsWhenAsked an answer to what was asked before the last news says nothing about what it holds since
   */
  void lacks(Set<Integer> ids, int newsWhenAsked) {
    if (newsWhenAsked == news) {
      lacking.addAll(ids);
    }
  }

  /** Perhaps it does again; whether that is news. */
  boolean lacksNoMore(Set<Integer> ids, int newsWhenAsked) {
    return newsWhenAsked == news && lacking.removeAll(ids);
  }

  /** What the table says that it holds and that this gateway can use. */
  Set<Integer> offered() {
    return offered;
  }

  Set<Integer> held() {
    return without(held);
  }

  /** What others hold now, and what it may still have while they are not connected. */
  Set<Integer> former() {
    return without(former);
  }

  private Set<Integer> without(Set<Integer> ids) {
    if (lacking.isEmpty()) {
      return ids;
    }
    Set<Integer> rest = new HashSet<>(ids);
    rest.removeAll(lacking);
    return rest;
  }

  /** Why none of its experts can be used; null if some can, or nobody knows yet. */
  @Nullable
  String rejection() {
    return rejection;
  }

  /** Why its experts, or some of them, are not used; null if they are. */
  @Nullable
  String refusal() {
    return refusal;
  }

  /** How often the table had news of it. */
  int news() {
    return news;
  }

  /** Those of {@code ids} whose weights and arithmetic are this gateway's. */
  private Set<Integer> matching(Fingerprint theirs, Collection<Integer> ids) {
    Optional<String> all = Fingerprints.mismatch(ours, theirs, exact);
    if (all.isPresent()) {
      mismatch("for no expert", all.get());
      return Set.of();
    }
    Set<Integer> same = new HashSet<>();
    List<Integer> different = new ArrayList<>();
    String reason = "";
    for (int id : ids) {
      Optional<String> difference = Fingerprints.expertMismatch(ours, theirs, id);
      if (difference.isEmpty()) {
        same.add(id);
      } else {
        different.add(id);
        reason = difference.get();
      }
    }
    if (!different.isEmpty()) {
      mismatch("not for the experts " + different.stream().sorted().toList(), reason);
    }
    return same;
  }

  private void mismatch(String experts, String reason) {
    refusal = reason;
    onMismatch.accept("it is used %s: %s".formatted(experts, reason));
  }
}
