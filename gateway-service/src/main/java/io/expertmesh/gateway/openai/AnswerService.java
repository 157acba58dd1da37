package io.expertmesh.gateway.openai;

import io.expertmesh.engine.api.EncoderInput;
import io.expertmesh.engine.api.FinishReason;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.text.TextEvent;
import io.expertmesh.engine.text.TextGenerations;
import io.expertmesh.gateway.http.ClientConnection;
import io.expertmesh.gateway.http.ClientDisconnected;
import io.expertmesh.gateway.http.ErrorMapping;
import io.expertmesh.gateway.http.JsonResponse;
import io.expertmesh.gateway.http.SseWriter;
import io.expertmesh.gateway.metrics.AnswerTimes;
import io.expertmesh.gateway.metrics.ServingMetrics;
import io.expertmesh.gateway.security.Caller;
import io.expertmesh.gateway.trace.AnswerDescription;
import io.expertmesh.gateway.trace.Traces;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** Runs the generations of one HTTP request and writes their answers, whole or as a stream. */
final class AnswerService {
  /** How often to look whether the client is still there. */
  private static final Duration LOOK = Duration.ofMillis(100);

  private final ServingMetrics metrics;
  private final Traces traces;
  private final Duration keepAlive;

  AnswerService(ServingMetrics metrics, Traces traces, Duration keepAlive) {
    this.metrics = metrics;
    this.traces = traces;
    this.keepAlive = keepAlive;
  }

  /** Returns when the response is complete. Whatever ends it early also cancels the generations. */
  void answer(HttpServletRequest request, HttpServletResponse response, Frame frame,
      List<GenerationRequest> generations, AnswerFormat format) throws IOException {
    GenerationOptions options = frame.options();
    describe(frame, generations, format);
    SseWriter stream = options.stream() ? new SseWriter(response, keepAlive) : null;
    List<Answer> answers = generations.stream().map(generation -> new Answer(options.stream())).toList();
    try (TextGenerations running = TextGenerations.start(frame.model(),
        generations.stream().map(traces::watched).toList(), options.stopStrings(),
        format.continuesPrompt(), format.specialMarks())) {
      run(running, ClientConnection.of(request), answers, stream, frame, format);
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
      throw new ClientDisconnected();
    } catch (RuntimeException failure) {
      if (stream == null || !response.isCommitted() || failure instanceof ClientDisconnected) {
        throw failure;
      }
      stream.event(ErrorMapping.of(failure).body());
      return;
    } finally {
      account(Caller.of(request), generations, answers, options.n());
    }
    if (stream == null) {
      JsonResponse.write(response, format.whole(answers));
      return;
    }
    if (options.includeUsage()) {
      stream.event(format.usageChunk(answers));
    }
    stream.done();
  }

  private void run(TextGenerations running, ClientConnection connection, List<Answer> answers,
      @Nullable SseWriter stream, Frame frame, AnswerFormat format) throws InterruptedException {
    List<AnswerTimes> times = new ArrayList<>();
    answers.forEach(answer -> times.add(metrics.startAnswer(frame.version().name())));
    long lastLook = System.nanoTime();
    while (!running.finished()) {
      TextGenerations.Indexed next = running.next(LOOK);
      if (next == null || System.nanoTime() - lastLook > LOOK.toNanos()) {
        connection.requireOpen();
        lastLook = System.nanoTime();
      }
      if (next != null) {
        times.get(next.index()).observe(next.event());
        Answer answer = answers.get(next.index());
        answer.add(next.event());
        send(stream, format, next.index(), next.event(), answer);
      } else if (stream != null) {
        stream.keepAlive();
      }
    }
  }

  private static void send(@Nullable SseWriter stream, AnswerFormat format, int index, TextEvent event,
      Answer answer) {
    if (stream == null) {
      return;
    }
    List<ObjectNode> chunks = format.chunks(index, event, answer);
    chunks.forEach(stream::event);
    if (chunks.isEmpty()) {
      stream.keepAlive();
    }
  }

  private static void describe(Frame frame, List<GenerationRequest> generations, AnswerFormat format) {
    new AnswerDescription(format.operation(), frame.modelName(), frame.version().name(), frame.id(),
        generations.size(), generations.getFirst().maxTokens()).tell();
  }

  /** Says what was used, and takes it from the caller's budget, also for an answer that was given up. */
  private static void account(@Nullable Caller caller, List<GenerationRequest> generations, List<Answer> answers,
      int answersPerPrompt) {
    int generated = 0;
    int prompt = 0;
    List<FinishReason> finishReasons = new ArrayList<>(answers.size());
    for (int i = 0; i < answers.size(); i++) {
      Answer answer = answers.get(i);
      generated += answer.generated();
      prompt += i % answersPerPrompt == 0 ? promptTokens(generations.get(i)) : 0;
      if (answer.finishReason() != null) {
        finishReasons.add(answer.finishReason());
      }
    }
    AnswerDescription.tellEnd(prompt, generated, finishReasons);
    if (caller != null) {
      caller.useTokens(prompt + generated);
    }
  }

  private static int promptTokens(GenerationRequest generation) {
    EncoderInput input = generation.encoderInput();
    return generation.promptIds().length + (input == null ? 0 : input.ids().length);
  }
}
