package io.expertmesh.gateway.remote;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** What happened with the replicas of one name, over their restarts. Safe for many threads. */
final class ReplicaCounters {
  final LongAdder messagesOut = new LongAdder();
  final LongAdder messagesIn = new LongAdder();
  final LongAdder rows = new LongAdder();
  final LongAdder bytesOut = new LongAdder();
  final LongAdder bytesIn = new LongAdder();
  final LongAdder answers = new LongAdder();
  final LongAdder answerNanos = new LongAdder();
  final LongAdder retries = new LongAdder();
  final LongAdder hedges = new LongAdder();
  final LongAdder hedgeWins = new LongAdder();
  private final Map<FailureKind, LongAdder> failures = new EnumMap<>(FailureKind.class);

  ReplicaCounters() {
    for (FailureKind kind : FailureKind.values()) {
      failures.put(kind, new LongAdder());
    }
  }

  void failed(FailureKind kind) {
    adder(kind).increment();
  }

  long failures(FailureKind kind) {
    return adder(kind).sum();
  }

  private LongAdder adder(FailureKind kind) {
    LongAdder adder = failures.get(kind);
    if (adder == null) {
      throw new IllegalStateException("no counter for " + kind);
    }
    return adder;
  }

  void sent(int batchRows, long bytes) {
    messagesOut.increment();
    rows.add(batchRows);
    bytesOut.add(bytes);
  }

  void received(long bytes) {
    messagesIn.increment();
    bytesIn.add(bytes);
  }

  void answered(long nanos) {
    answers.increment();
    answerNanos.add(nanos);
  }
}
