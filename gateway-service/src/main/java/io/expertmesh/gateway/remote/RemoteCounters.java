package io.expertmesh.gateway.remote;

import io.expertmesh.engine.experts.DispatchPlan;
import io.expertmesh.proto.v1.Replica;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;

/** What happened with remote experts since the start, by replica name. Safe for many threads. */
final class RemoteCounters {
  /** Names stay the same over restarts; of those that do not, no more than this many are told apart. */
  private static final int MAX_NAMES = 512;
  private static final String OTHERS = "others";

  private final Map<String, ReplicaCounters> byName = new ConcurrentHashMap<>();
  private final LongAdder calls = new LongAdder();
  private final LongAdder tokens = new LongAdder();
  private final LongAdder rows = new LongAdder();
  private final LongAdder lostExperts = new LongAdder();

  ReplicaCounters of(Replica replica) {
    String name = replica.getName().isEmpty() ? replica.getEndpoint() : replica.getName();
    String known = byName.containsKey(name) || byName.size() < MAX_NAMES ? name : OTHERS;
    return byName.computeIfAbsent(known, fresh -> new ReplicaCounters());
  }

  void called(DispatchPlan plan) {
    int last = -1;
    for (int token : plan.tokens()) {
      last = Math.max(last, token);
    }
    calls.increment();
    tokens.add(last + 1);
    rows.add(plan.rows());
  }

  void lost(int experts) {
    lostExperts.add(experts);
  }

  Map<String, ReplicaCounters> byName() {
    return byName;
  }

  ExpertTraffic traffic() {
    return new ExpertTraffic(calls.sum(), tokens.sum(), rows.sum(), sum(c -> c.messagesOut), sum(c -> c.messagesIn),
        sum(c -> c.bytesOut), sum(c -> c.bytesIn), sum(c -> c.retries), sum(c -> c.hedges), sum(c -> c.hedgeWins),
        lostExperts.sum());
  }

  private long sum(Function<ReplicaCounters, LongAdder> which) {
    long sum = 0;
    for (ReplicaCounters counters : byName.values()) {
      sum += which.apply(counters).sum();
    }
    return sum;
  }
}
