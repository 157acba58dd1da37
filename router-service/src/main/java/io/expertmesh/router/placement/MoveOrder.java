package io.expertmesh.router.placement;

import com.google.errorprone.annotations.FormatMethod;
import com.google.errorprone.annotations.FormatString;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.ExpertMove;
import io.expertmesh.proto.v1.TableVersion;
import io.expertmesh.router.metrics.RouterCounters;
import io.expertmesh.router.metrics.RouterCounters.Event;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Moves of experts that were asked for together. */
final class MoveOrder {
  private static final int MAX_MOVES = 1 << 16;

  private record Move(int expert, Pool pool, @Nullable Shard from, @Nullable Shard to) {
    boolean isDone(Predicate<Shard> alive) {
      return (to == null || to.isCalledFor(expert))
          && (from == null || !alive.test(from) || !from.isCalledFor(expert));
    }

    void begin() {
      if (to != null) {
        to.want(expert);
      }
      if (from != null) {
        from.wantNoMore(expert);
      }
      changeCopies(1);
    }

    void takeBack(Predicate<Shard> alive) {
      if (to != null) {
        to.wantNoMore(expert);
      }
      if (from != null && alive.test(from)) {
        from.want(expert);
      }
      changeCopies(-1);
    }

    private void changeCopies(int direction) {
      int change = from == null ? direction : to == null ? -direction : 0;
      if (change != 0) {
        pool.copiesOf(expert, Math.max(1, pool.copiesOf(expert) + change));
      }
    }
  }

  private final List<Move> open;
  private final Predicate<Shard> alive;
  private final RouterCounters counters;
  private final long deadlineNanos;
  private final CompletableFuture<TableVersion> done = new CompletableFuture<>();

  private MoveOrder(List<Move> moves, Predicate<Shard> alive, RouterCounters counters, long deadlineNanos) {
    this.open = new ArrayList<>(moves);
    this.alive = alive;
    this.counters = counters;
    this.deadlineNanos = deadlineNanos;
  }

  /** Checks all moves, then begins them. */
  static MoveOrder begin(List<ExpertMove> asked, Collection<Shard> shards, Map<String, Pool> poolOf,
      Predicate<Shard> alive, RouterCounters counters, long deadlineNanos) {
    require(!asked.isEmpty(), "There are no moves.");
    require(asked.size() <= MAX_MOVES, "There are %d moves; %d are allowed at once.", asked.size(), MAX_MOVES);
    List<Move> moves = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (ExpertMove ask : asked) {
      Move move = check(ask, shards, poolOf);
      boolean once = (move.from() == null || seen.add(move.expert() + " from " + move.from().id))
          && (move.to() == null || seen.add(move.expert() + " to " + move.to().id));
      require(once, "Expert %d is moved from or to the same process twice.", move.expert());
      moves.add(move);
    }
    checkRoomAndCopies(moves);
    moves.forEach(Move::begin);
    return new MoveOrder(moves, alive, counters, deadlineNanos);
  }

  private static Move check(ExpertMove asked, Collection<Shard> shards, Map<String, Pool> poolOf) {
    int expert = asked.getExpertId();
    Shard from = asked.getFrom().isEmpty() ? null : find(asked.getFrom(), shards);
    Shard to = asked.getTo().isEmpty() ? null : find(asked.getTo(), shards);
    Shard either = from == null ? to : from;
    if (either == null) {
      throw invalid("The move of expert %d names no process.", expert);
    }
    Pool pool = poolOf.get(either.id);
    if (pool == null) {
      throw new IllegalStateException("every shard has a pool");
    }
    require(pool.experts().contains(expert), "%s has no expert %d.", pool.version(), expert);
    if (from != null) {
      require(from.wants(expert), "%s does not hold expert %d.", from.name(), expert);
    }
    if (to != null) {
      require(poolOf.get(to.id) == pool, "%s serves another model than %s.", to.name(), either.name());
      require(!to.wants(expert), "%s holds expert %d already.", to.name(), expert);
      require(to.takesExperts(), "%s is drained or stopping.", to.name());
    }
    return new Move(expert, pool, from, to);
  }

  private static Shard find(String process, Collection<Shard> shards) {
    List<Shard> found = shards.stream().filter(s -> s.name().equals(process) || s.id.equals(process)).toList();
    if (found.isEmpty()) {
      throw new FailureException(FailureCategory.NOT_FOUND,
          "No process '%s' that takes assignments is registered.".formatted(process));
    }
    require(found.size() == 1, "%d processes are named '%s'; give the process's id.", found.size(), process);
    return found.getFirst();
  }

  private static void checkRoomAndCopies(List<Move> moves) {
    for (Move move : moves) {
      Shard to = move.to();
      if (to != null) {
        long more = moves.stream().filter(other -> other.to() == to && !to.isLeaving(other.expert())).count();
        require(more <= Math.max(0, to.room()), "%s has room for %d more experts, not for %d.", to.name(),
            Math.max(0, to.room()), more);
      } else {
        long fewer = moves.stream().filter(m -> m.to() == null && m.expert() == move.expert()).count();
        long holders = move.pool().shards().stream().filter(s -> s.takesExperts() && s.wants(move.expert())).count();
        require(holders > fewer, "Expert %d would be held nowhere.", move.expert());
      }
    }
  }

  CompletableFuture<TableVersion> done() {
    return done;
  }

  /** Looks how far it is, after {@code version} was published. */
  boolean isOver(TableVersion version, long nanos) {
    open.removeIf(move -> move.isDone(alive));
    if (open.isEmpty()) {
      done.complete(version);
      return true;
    }
    for (Move move : open) {
      Shard to = move.to();
      boolean gone = to != null && !alive.test(to);
      if (gone || nanos - deadlineNanos >= 0) {
        counters.count(Event.MOVE_FAILED);
        open.forEach(unfinished -> unfinished.takeBack(alive));
        done.completeExceptionally(new FailureException(FailureCategory.UNAVAILABLE,
            "Expert %d could not be moved to %s, which %s; %d moves were taken back.".formatted(move.expert(),
                to == null ? "nowhere" : to.name(), gone ? "is gone" : "did not load it in time", open.size())));
        return true;
      }
    }
    return false;
  }

  @FormatMethod
  private static void require(boolean valid, @FormatString String message, Object... values) {
    if (!valid) {
      throw invalid(message, values);
    }
  }

  @FormatMethod
  private static FailureException invalid(@FormatString String message, Object... values) {
    return FailureException.invalidParameter("moves", message.formatted(values));
  }
}
