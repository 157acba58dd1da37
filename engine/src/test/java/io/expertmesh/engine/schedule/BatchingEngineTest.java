package io.expertmesh.engine.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.engine.TestModels;
import io.expertmesh.engine.TestModels.Result;
import io.expertmesh.engine.api.FinishReason;
import io.expertmesh.engine.api.Generation;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.api.TokenRouting;
import io.expertmesh.engine.constraint.TokenConstraint;
import io.expertmesh.engine.decoder.Decoder;
import io.expertmesh.engine.experts.LocalExperts;
import io.expertmesh.engine.kvcache.KvCache;
import io.expertmesh.engine.kvcache.KvShape;
import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.decoder.FeedForwardRunner;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.BoundModel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BatchingEngineTest {
  private static final BoundModel MODEL = TestModels.golden("olmoe-base-f32", KernelSelection.kernels());
  private static final int VOCABULARY = MODEL.architecture().vocabularySize();
  private static final int CONTEXT = MODEL.architecture().contextLength();
  private static final int[] PROMPT = {1, 2, 3};

  /** Two sequences at a time, a queue of two, 16 pages of 4 positions. */
  private final BatchingEngine engine = TestModels.engine(MODEL, new EngineConfiguration(1, 2, 2, 8, 4, 16));

  @AfterEach
  void close() {
    engine.close();
  }

  @Test
  void anAnswerEndsAfterMaxTokens() {
    Result result = TestModels.take(engine.submit(TestModels.greedy(PROMPT, 5)));
    assertThat(result.tokens()).hasSize(5);
    assertThat(result.last()).isEqualTo(new GenerationEvent.Finished(FinishReason.LENGTH, 3, 5, List.of(), List.of()));
    assertThat(engine.load().generatedTokens()).isEqualTo(5);
    assertThat(engine.load().promptTokens()).isEqualTo(3);
    assertThat(engine.load().kvPagesUsed()).isZero();
  }

  @Test
  void noTokensAskedForMeansThePromptAlone() {
    Result result = TestModels.take(engine.submit(TestModels.greedy(PROMPT, 0)));
    assertThat(result.events()).hasSize(2);
    assertThat(result.last()).isEqualTo(new GenerationEvent.Finished(FinishReason.LENGTH, 3, 0, List.of(), List.of()));
  }

  @Test
  void aStopTokenEndsTheAnswerAndIsReported() {
    List<Integer> tokens = TestModels.take(engine.submit(TestModels.greedy(PROMPT, 8))).tokens();
    int stop = tokens.get(3);
    GenerationRequest request = new GenerationRequest("test", PROMPT, 8, SamplingParameters.GREEDY, Set.of(stop), -1,
        -1,
        false, null);
    Result result = TestModels.take(engine.submit(request));
    assertThat(result.tokens()).isEqualTo(tokens.subList(0, tokens.indexOf(stop) + 1));
    assertThat(result.last()).isInstanceOfSatisfying(GenerationEvent.Finished.class,
        finished -> assertThat(finished.reason()).isEqualTo(FinishReason.STOP));
  }

  @Test
  void routingIsReportedForEveryTokenThatWentThroughTheModel() {
    GenerationRequest request = new GenerationRequest("test", PROMPT, 4, SamplingParameters.GREEDY, Set.of(), -1, -1,
        true, null);
    Result result = TestModels.take(engine.submit(request));
    assertThat(result.prompt().routing()).hasSize(3);
    assertThat(result.last()).isInstanceOfSatisfying(GenerationEvent.Finished.class, finished -> {
      assertThat(finished.generatedRouting()).hasSize(3);
      for (TokenRouting routing : finished.generatedRouting()) {
        assertThat(routing.experts()).hasDimensions(MODEL.architecture().blocks().size(), 3);
        assertThat(routing.weights()[0][0]).isGreaterThan(routing.weights()[0][2]).isLessThanOrEqualTo(1);
      }
    });
    long[][] load = engine.tokensPerExpert();
    for (long[] layer : load) {
      assertThat(Arrays.stream(layer).sum()).as("6 rows with 3 experts each").isEqualTo(18);
    }
  }

  @Test
  void aCancelledRequestFreesItsPagesAndItsPlace() throws InterruptedException {
    HeldConstraint held = new HeldConstraint();
    Generation first = engine
        .submit(new GenerationRequest("test", PROMPT, 50, SamplingParameters.GREEDY, Set.of(), -1, -1,
            false, held));
    awaitToken(first);
    held.reached.await(); // the second token's step is under way
    assertThat(engine.load().kvPagesUsed()).isPositive();
    first.close();
    held.release.countDown();
    TestModels.take(engine.submit(TestModels.greedy(PROMPT, 1)));
    assertThat(engine.load().running()).isZero();
    assertThat(engine.load().kvPagesUsed()).isZero();
  }

  @Test
  void aStoppedRequestFinishes() {
    Generation generation = engine.submit(TestModels.greedy(PROMPT, 50));
    awaitToken(generation);
    generation.stop();
    assertThat(TestModels.take(generation).last()).isInstanceOfSatisfying(GenerationEvent.Finished.class,
        finished -> assertThat(finished.reason()).isEqualTo(FinishReason.STOP));
  }

  @Test
  void aFullQueueRefusesAndRecovers() {
    List<Generation> accepted = new ArrayList<>();
    FailureException refused = null;
    while (refused == null) {
      try {
        accepted.add(engine.submit(TestModels.greedy(PROMPT, 60)));
      } catch (FailureException e) {
        refused = e;
      }
      assertThat(accepted).hasSizeLessThan(1000);
    }
    assertThat(refused.category()).isEqualTo(FailureCategory.OVERLOADED);
    accepted.forEach(TestModels::take);
    assertThat(TestModels.take(engine.submit(TestModels.greedy(PROMPT, 2))).tokens()).hasSize(2);
  }

  @Test
  void whatCanNeverRunIsRefusedAtOnce() {
    assertRefused(TestModels.greedy(new int[0], 1), FailureCategory.INVALID_REQUEST);
    assertRefused(TestModels.greedy(new int[]{VOCABULARY}, 1), FailureCategory.INVALID_REQUEST);
    assertRefused(TestModels.greedy(new int[]{-1}, 1), FailureCategory.INVALID_REQUEST);
    assertRefused(TestModels.greedy(PROMPT, -1), FailureCategory.INVALID_REQUEST);
    assertRefused(TestModels.greedy(new int[CONTEXT + 1], 1), FailureCategory.TOO_LARGE);
    assertRefused(TestModels.greedy(PROMPT, 62), FailureCategory.TOO_LARGE);
    SamplingParameters biased = new SamplingParameters(0, 0, 1, 0, 1, 0, 0, Map.of(VOCABULARY, 1f), null);
    assertRefused(new GenerationRequest("test", PROMPT, 1, biased, Set.of(), -1, -1, false, null),
        FailureCategory.INVALID_REQUEST);
    assertThat(TestModels.take(engine.submit(TestModels.greedy(PROMPT, 61))).tokens()).hasSize(61);
  }

  @Test
  void anAnswerEndsWhereTheContextEnds() {
    try (BatchingEngine large = TestModels.engine(MODEL, new EngineConfiguration(1, 1, 1, 256, 16, 512))) {
      int[] prompt = TestModels.randomPrompt(1, CONTEXT - 3, VOCABULARY);
      Result result = TestModels.take(large.submit(TestModels.greedy(prompt, 100)));
      assertThat(result.tokens()).hasSize(3);
      Result full = TestModels
          .take(large.submit(TestModels.greedy(TestModels.randomPrompt(1, CONTEXT, VOCABULARY), 9)));
      assertThat(full.tokens()).isEmpty();
      assertThat(full.last()).isInstanceOf(GenerationEvent.Finished.class);
    }
  }

  @Test
  void drainingFinishesWhatRunsAndTakesNothingNew() throws InterruptedException {
    Generation running = engine.submit(TestModels.greedy(PROMPT, 40));
    engine.drain(Duration.ofSeconds(30));
    assertThatThrownBy(() -> engine.submit(TestModels.greedy(PROMPT, 1))).isInstanceOf(FailureException.class);
    assertThat(TestModels.take(running).tokens()).hasSize(40);
  }

  @Test
  void closingFailsWhatIsLeftAndEndsTheThreads() {
    List<Generation> left = List.of(engine.submit(TestModels.greedy(PROMPT, 60)),
        engine.submit(TestModels.greedy(PROMPT, 60)));
    engine.close();
    for (Generation generation : left) {
      GenerationEvent last = TestModels.take(generation).last();
      if (last instanceof GenerationEvent.Failed failed) {
        assertThat(failed.failure().category()).isEqualTo(FailureCategory.UNAVAILABLE);
      }
    }
    assertThatThrownBy(() -> engine.submit(TestModels.greedy(PROMPT, 1))).isInstanceOf(FailureException.class);
  }

  @Test
  void closingReturnsWhenWhatTheDecoderUsedIsReleased() throws InterruptedException {
    EngineConfiguration small = new EngineConfiguration(1, 1, 1, 1, 4, 16);
    KvCache cache = new KvCache(List.of(new KvShape(1, 2, 2)), 4, 16);
    WorkerPool pool = new WorkerPool(1);
    Kernels kernels = KernelSelection.kernels();
    LocalExperts experts = new LocalExperts(MODEL.weights(), MODEL.architecture().hiddenSize(),
        new FeedForwardRunner(kernels, pool), pool);
    Decoder decoder = new Decoder(MODEL.architecture(), MODEL.weights(), cache, kernels, pool, experts, 1);
    CountDownLatch releasing = new CountDownLatch(1);
    CountDownLatch mayRelease = new CountDownLatch(1);
    BatchingEngine slow = new BatchingEngine(MODEL.architecture(), small, cache, decoder, experts, () -> {
      releasing.countDown();
      awaitUninterrupted(mayRelease);
    });
    Thread closing = Thread.ofPlatform().start(slow::close);
    releasing.await();
    assertThat(closing.join(Duration.ofMillis(100))).isFalse();
    mayRelease.countDown();
    assertThat(closing.join(Duration.ofSeconds(30))).isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void aConstraintThatFailsOnlyFailsItsOwnRequest(int afterTokens) {
    for (Runnable defect : List.<Runnable>of(() -> {
      throw new IllegalStateException("on purpose");
    }, () -> {
      throw new StackOverflowError("on purpose");
    })) {
      Generation neighbour = engine.submit(TestModels.greedy(PROMPT, 40));
      awaitToken(neighbour);
      GenerationRequest broken = new GenerationRequest("test", PROMPT, 5, SamplingParameters.GREEDY, Set.of(), -1, -1,
          false, new BrokenConstraint(afterTokens, defect));
      assertFailed(TestModels.take(engine.submit(broken)), FailureCategory.INTERNAL);
      assertThat(TestModels.take(neighbour).last()).isInstanceOf(GenerationEvent.Finished.class);
      assertThat(engine.load().kvPagesUsed()).isZero();
    }
  }

  @Test
  void theEngineOutlivesAPageForWhichThereIsNoMemory() {
    int width = KvShape.of(MODEL.architecture()).getFirst().keyDim();
    EngineConfiguration beyondTheHeap = new EngineConfiguration(1, 1, 1, 1, Integer.MAX_VALUE / width, 1);
    try (BatchingEngine failing = TestModels.engine(MODEL, beyondTheHeap)) {
      for (int i = 0; i < 2; i++) {
        assertFailed(TestModels.take(failing.submit(TestModels.greedy(PROMPT, 1))), FailureCategory.INTERNAL);
      }
    }
  }

  private static void assertFailed(Result result, FailureCategory category) {
    assertThat(result.last()).isInstanceOfSatisfying(GenerationEvent.Failed.class,
        failed -> assertThat(failed.failure().category()).isEqualTo(category));
  }

  /** Allows every token, and holds the engine when the second one is chosen. */
  private static final class HeldConstraint implements TokenConstraint {
    final CountDownLatch reached = new CountDownLatch(1);
    final CountDownLatch release = new CountDownLatch(1);
    private final BitSet all = new BitSet();
    private int chosen;

    HeldConstraint() {
      all.set(0, VOCABULARY);
    }

    @Override
    public BitSet allowed() {
      return all;
    }

    @Override
    public boolean mayEnd() {
      return false;
    }

    @Override
    public void accept(int tokenId) {
      if (++chosen == 2) {
        reached.countDown();
        awaitUninterrupted(release);
      }
    }
  }

  /** Allows every token until it breaks. */
  private static final class BrokenConstraint implements TokenConstraint {
    private final int afterTokens;
    private final Runnable defect;
    private final BitSet all = new BitSet();
    private int chosen;

    BrokenConstraint(int afterTokens, Runnable defect) {
      this.afterTokens = afterTokens;
      this.defect = defect;
      all.set(0, VOCABULARY);
    }

    @Override
    public BitSet allowed() {
      if (chosen == afterTokens) {
        defect.run();
      }
      return all;
    }

    @Override
    public boolean mayEnd() {
      return true;
    }

    @Override
    public void accept(int tokenId) {
      chosen++;
    }
  }

  private static void awaitUninterrupted(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void awaitToken(Generation generation) {
    try {
      GenerationEvent event = generation.next(Duration.ofSeconds(30));
      while (!(event instanceof GenerationEvent.Token)) {
        assertThat(event).isNotNull();
        event = generation.next(Duration.ofSeconds(30));
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private void assertRefused(GenerationRequest request, FailureCategory category) {
    assertThatThrownBy(() -> engine.submit(request)).isInstanceOfSatisfying(FailureException.class,
        failure -> assertThat(failure.category()).isEqualTo(category));
  }
}
