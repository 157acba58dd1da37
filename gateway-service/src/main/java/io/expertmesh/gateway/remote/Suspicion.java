package io.expertmesh.gateway.remote;

import io.expertmesh.proto.v1.DescribeRequest;
import io.expertmesh.proto.v1.DescribeResponse;
import io.expertmesh.proto.v1.ExpertServiceGrpc;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Whether a replica's answer is overdue, so that others are preferred. A suspect is asked for something cheap until it
 * answers or its stream ends. Safe for all threads.
 */
final class Suspicion {
  private static final Duration PROBE_PERIOD = Duration.ofMillis(250);
  private static final Duration PROBE_PATIENCE = Duration.ofSeconds(1);

  private final ControlThread control;
  private final Runnable changed;
  private final Supplier<@Nullable ReplicaStream> live;
  private volatile boolean suspect;
  /** Of the control thread. */
  private boolean probing;

  /**
   * @param changed is called on the control thread
   * @param live the stream that takes batches; null if there is none
   */
  Suspicion(ControlThread control, Runnable changed, Supplier<@Nullable ReplicaStream> live) {
    this.control = control;
    this.changed = changed;
    this.live = live;
  }

  boolean isSuspect() {
    return suspect;
  }

  /** An answer is overdue. */
  void raise() {
    if (!suspect) {
      suspect = true;
      control.execute(() -> {
        changed.run();
        probe();
      });
    }
  }

  /** Something came. */
  void answersAgain() {
    if (suspect) {
      suspect = false;
      control.execute(changed);
    }
  }

  /** There is another stream, or none. */
  void clear() {
    suspect = false;
  }

  private void probe() {
    ReplicaStream stream = live.get();
    if (suspect && !probing && stream != null) {
      probing = true;
      control.later(PROBE_PERIOD.toMillis(), () -> describe(stream));
    }
  }

  private void describe(ReplicaStream stream) {
    ExpertServiceGrpc.newStub(stream.channel).withDeadlineAfter(PROBE_PATIENCE)
        .describe(DescribeRequest.getDefaultInstance(), new StreamObserver<>() {
          @Override
          public void onNext(DescribeResponse answer) {
            if (stream.inFlight().stream().noneMatch(attempt -> attempt.overdue)) {
              answersAgain();
            }
          }

          @Override
          public void onError(Throwable failure) {
            control.execute(Suspicion.this::probeAgain);
          }

          @Override
          public void onCompleted() {
            control.execute(Suspicion.this::probeAgain);
          }
        });
  }

  private void probeAgain() {
    probing = false;
    probe();
  }
}
