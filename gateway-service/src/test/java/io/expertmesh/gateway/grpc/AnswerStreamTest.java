package io.expertmesh.gateway.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.gateway.ScriptedEngine;
import io.expertmesh.gateway.metrics.ServingMetrics;
import io.expertmesh.gateway.openai.SingleAnswers.SingleAnswer;
import io.expertmesh.gateway.versions.ModelVersions.Version;
import io.expertmesh.model.tokenizer.LoadedTokenizer;
import io.expertmesh.model.tokenizer.TokenizerLoader;
import io.expertmesh.proto.v1.GenerateResponse;
import io.grpc.Context;
import io.grpc.stub.ServerCallStreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Against a client that takes as many messages as the test says. */
class AnswerStreamTest {
  private static final LoadedTokenizer LOADED = TokenizerLoader.load(Path.of("../models/demo"));
  private static final int TOKENS = 40;

  private final ScriptedEngine engine = new ScriptedEngine();
  private final ServedModel model = new ServedModel("demo", List.of(), "v1", Instant.EPOCH, engine, LOADED.tokenizer(),
      null,
      Set.of(0), 64, 1024, List.of(0), 16, SamplingParameters.GREEDY);
  private final ServingMetrics metrics = new ServingMetrics(new SimpleMeterRegistry());

  @AfterEach
  void stop() {
    engine.close();
  }

  @Test
  void aSlowClientHoldsItsAnswerBack() {
    Client client = new Client(3);
    Thread sender = start(client);

    until(() -> waitsForClient(sender, client));
    assertThat(client.received).hasSize(3);

    client.takeMore(TOKENS);
    until(() -> client.completed);
    assertThat(client.received).hasSize(1 + TOKENS + 1);
    assertThat(client.received.getLast().getEnd().getGeneratedTokens()).isEqualTo(TOKENS);
    assertThat(client.received.getLast().getEnd().getVersion()).isEqualTo("v1");
  }

  @Test
  void aClientThatLeavesWhileItIsSlowIsNotWaitedFor() {
    Client client = new Client(1);
    Thread sender = start(client);
    until(() -> waitsForClient(sender, client));

    client.leave();

    until(() -> !sender.isAlive());
    assertThat(client.received).hasSize(1);
    assertThat(engine.running()).isZero();
  }

  private static boolean waitsForClient(Thread sender, Client client) {
    return client.allowed == 0 && sender.getState() == Thread.State.WAITING;
  }

  private Thread start(Client client) {
    SingleAnswer answer = new SingleAnswer(new Version("v1", model),
        new GenerationRequest("1", new int[]{70, 71}, TOKENS,
            SamplingParameters.GREEDY, Set.of(), -1, -1, false, null),
        List.of(), false);
    AnswerStream[] stream = new AnswerStream[1];
    Context.current().withValue(CallEntrance.ID, "test").run(() -> stream[0] = new AnswerStream(client, answer));
    return Thread.ofVirtual().start(() -> stream[0].run(metrics));
  }

  private static void until(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("in time").isLessThan(deadline);
      Thread.onSpinWait();
    }
  }

  private static final class Client extends ServerCallStreamObserver<GenerateResponse> {
    private final List<GenerateResponse> received = new CopyOnWriteArrayList<>();
    private volatile int allowed;
    private volatile boolean gone;
    private volatile boolean completed;
    private Runnable onReady = () -> {};
    private Runnable onCancel = () -> {};

    Client(int allowed) {
      this.allowed = allowed;
    }

    synchronized void takeMore(int messages) {
      allowed += messages;
      onReady.run();
    }

    void leave() {
      gone = true;
      onCancel.run();
    }

    @Override
    public boolean isReady() {
      return allowed > 0;
    }

    @Override
    public boolean isCancelled() {
      return gone;
    }

    @Override
    public synchronized void onNext(GenerateResponse value) {
      received.add(value);
      allowed--;
    }

    @Override
    public void onError(Throwable failure) {
      throw new AssertionError(failure);
    }

    @Override
    public void onCompleted() {
      completed = true;
    }

    @Override
    public void setOnReadyHandler(Runnable handler) {
      onReady = handler;
    }

    @Override
    public void setOnCancelHandler(Runnable handler) {
      onCancel = handler;
    }

    @Override
    public void setCompression(String compression) {}

    @Override
    public void disableAutoInboundFlowControl() {}

    @Override
    public void request(int count) {}

    @Override
    public void setMessageCompression(boolean enable) {}
  }
}
