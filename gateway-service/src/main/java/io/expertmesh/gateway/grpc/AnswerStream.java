package io.expertmesh.gateway.grpc;

import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.engine.text.TextEvent;
import io.expertmesh.engine.text.TextGeneration;
import io.expertmesh.gateway.metrics.AnswerTimes;
import io.expertmesh.gateway.metrics.ServingMetrics;
import io.expertmesh.gateway.openai.SingleAnswers.SingleAnswer;
import io.expertmesh.gateway.security.Caller;
import io.expertmesh.gateway.trace.AnswerDescription;
import io.expertmesh.gateway.trace.Traces;
import io.expertmesh.proto.v1.GenerateResponse;
import io.expertmesh.telemetry.LogFields;
import io.grpc.stub.ServerCallStreamObserver;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/**
 * One answer on its way to a client. It is taken from the engine no faster than the client reads, and given up when the
 * client leaves.
 */
final class AnswerStream {
  /** How often to look whether the client is still there while the engine works. */
  private static final Duration LOOK = Duration.ofMillis(100);

  private final ServerCallStreamObserver<GenerateResponse> client;
  private final SingleAnswer answer;
  private final String requestId = CallEntrance.requestId();
  private final @Nullable Caller caller = CallEntrance.caller();
  private final Context trace = Context.current();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private int generated;

  /** Made in the call's own thread, before its method returns. */
  AnswerStream(ServerCallStreamObserver<GenerateResponse> client, SingleAnswer answer) {
    this.client = client;
    this.answer = answer;
    client.setOnReadyHandler(this::wake);
    client.setOnCancelHandler(this::wake);
  }

  /** Returns when the call is over. */
  void run(ServingMetrics metrics) {
    try (var _ = MDC.putCloseable(LogFields.REQUEST_ID, requestId);
        var _ = Traces.identified(trace);
        Scope _ = trace.makeCurrent()) {
      send(answer.version().model(), metrics.startAnswer(answer.version().name()));
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
      client.onError(GrpcErrors.of(stopping));
    } catch (RuntimeException failure) {
      client.onError(GrpcErrors.of(failure));
    } finally {
      if (caller != null) {
        caller.useTokens(answer.generation().promptIds().length + generated);
      }
    }
  }

  private void send(ServedModel model, AnswerTimes times) throws InterruptedException {
    try (TextGeneration running = TextGeneration.start(model.engine(), model.tokenizer(), answer.generation(),
        answer.stopStrings(), answer.continuesPrompt())) {
      while (awaitReady()) {
        TextEvent event = running.next(LOOK);
        if (event != null) {
          times.observe(event);
          if (event instanceof TextEvent.Delta delta) {
            generated += delta.tokens().size();
          }
          client.onNext(GenerateReplies.of(event, answer));
        }
        if (event instanceof TextEvent.End end) {
          AnswerDescription.tellEnd(end.usage().prompt(), generated, List.of(end.reason()));
          client.onCompleted();
          return;
        }
      }
    }
  }

  /** Waits until the client takes more; false if it is gone. */
  private boolean awaitReady() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (!client.isReady() && !client.isCancelled()) {
        changed.await();
      }
      return !client.isCancelled();
    } finally {
      lock.unlock();
    }
  }

  private void wake() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
