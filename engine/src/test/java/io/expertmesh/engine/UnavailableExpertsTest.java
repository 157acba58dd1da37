package io.expertmesh.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.TestModels.Result;
import io.expertmesh.engine.api.Degradation;
import io.expertmesh.engine.api.Generation;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.api.TokenRouting;
import io.expertmesh.engine.api.UnavailablePolicy;
import io.expertmesh.engine.api.WhenUnavailable;
import io.expertmesh.engine.experts.SleepingExperts;
import io.expertmesh.engine.schedule.BatchingEngine;
import io.expertmesh.engine.schedule.EngineConfiguration;
import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.BoundModel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of requests when experts vanish, return and get lost. */
class UnavailableExpertsTest {
  private static final Kernels KERNELS = KernelSelection.kernels();
  private static final BoundModel MODEL = TestModels.golden("olmoe-base-f32", KERNELS);
  private static final int VOCABULARY = MODEL.architecture().vocabularySize();
  private static final int EXPERTS = MODEL.architecture().experts();
  private static final EngineConfiguration ROOMY = new EngineConfiguration(1, 8, 64, 8, 4, 512, 2);
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final ScriptedExperts experts = new ScriptedExperts(MODEL, KERNELS, 2);
  private final BatchingEngine engine = engine(ROOMY);

  @AfterEach
  void close() {
    engine.close();
    experts.close();
  }

  private BatchingEngine engine(EngineConfiguration configuration) {
    return BatchingEngine.start(MODEL.architecture(), MODEL.weights(), KERNELS, configuration, experts);
  }

  private static int[] prompt(long seed, int length) {
    return TestModels.randomPrompt(seed, length, VOCABULARY);
  }

  private static GenerationRequest request(int[] prompt, int maxTokens, UnavailablePolicy policy) {
    return TestModels.greedy(prompt, maxTokens).with(WhenUnavailable.of(policy));
  }

  private static GenerationRequest withRouting(int[] prompt, int maxTokens, UnavailablePolicy policy) {
    return new GenerationRequest("test", prompt, maxTokens, SamplingParameters.GREEDY, Set.of(), -1, -1, true, null,
        WhenUnavailable.of(policy));
  }

  /** What it comes to where every expert is there. */
  private static List<GenerationEvent> undisturbed(GenerationRequest request) {
    try (BatchingEngine plain = TestModels.engine(MODEL, ROOMY)) {
      return TestModels.take(plain.submit(request)).events();
    }
  }

  private static FailureException failure(Result result) {
    assertThat(result.last()).isInstanceOf(GenerationEvent.Failed.class);
    return ((GenerationEvent.Failed) result.last()).failure();
  }

  private static List<Degradation> degraded(Result result) {
    assertThat(result.last()).isInstanceOf(GenerationEvent.Finished.class);
    return ((GenerationEvent.Finished) result.last()).degraded();
  }

  private static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).isLessThan(deadline);
      LockSupport.parkNanos(1_000_000);
    }
  }

  private static Integer[] allExperts() {
    return IntStream.range(0, EXPERTS).boxed().toArray(Integer[]::new);
  }

  /** Loses the first expert of the call {@code number} of the layer, which is then unavailable if it says so. */
  private ScriptedExperts.Script loseAt(int layer, int number, boolean thenGone) {
    AtomicInteger calls = new AtomicInteger();
    return (at, plan) -> {
      if (at != layer || calls.incrementAndGet() != number) {
        return Set.of();
      }
      if (thenGone) {
        experts.gone(plan.expertIds()[0]);
      }
      return Set.of(plan.expertIds()[0]);
    };
  }

  /** A prompt that never goes to one of the experts, that expert, and one that goes to it at once. */
  private record Disjoint(int[] without, int expert, int[] with) {}

  private static Disjoint disjoint(int maxTokens) {
    try (BatchingEngine plain = TestModels.engine(MODEL, ROOMY)) {
      for (long seed = 0; seed < 1000; seed++) {
        int[] without = prompt(seed, 1);
        Set<Integer> unused = new HashSet<>(List.of(allExperts()));
        unused.removeAll(used(plain, without, maxTokens));
        for (int expert : unused) {
          int[] with = prompt(seed + 5000, 3);
          if (used(plain, with, 0).contains(expert)) {
            return new Disjoint(without, expert, with);
          }
        }
      }
    }
    throw new AssertionError("every prompt uses every expert");
  }

  private static Set<Integer> used(BatchingEngine plain, int[] prompt, int maxTokens) {
    Result result = TestModels.take(plain.submit(withRouting(prompt, maxTokens, UnavailablePolicy.STRICT)));
    List<TokenRouting> all = new ArrayList<>(result.prompt().routing());
    all.addAll(((GenerationEvent.Finished) result.last()).generatedRouting());
    Set<Integer> used = new HashSet<>();
    for (TokenRouting routing : all) {
      for (int[] layer : routing.experts()) {
        Arrays.stream(layer).forEach(used::add);
      }
    }
    return used;
  }

  @Test
  void strictNamesExpertAndLayer() {
    experts.script((layer, plan) -> layer == 1 ? Set.of(plan.expertIds()[0]) : Set.of());
    FailureException failure = failure(
        TestModels.take(engine.submit(request(prompt(1, 1), 5, UnavailablePolicy.STRICT))));
    assertThat(failure.category()).isEqualTo(FailureCategory.UNAVAILABLE);
    assertThat(failure).hasMessageMatching("expert \\d of layer 1 is not available: lost on purpose");
    assertThat(engine.load().kvPagesUsed()).isZero();
  }

  @Test
  void whatIsUnavailableIsNotAsked() {
    Disjoint prompts = disjoint(1);
    experts.gone(prompts.expert());
    for (UnavailablePolicy policy : List.of(UnavailablePolicy.SUBSTITUTE, UnavailablePolicy.DROP)) {
      Result result = TestModels.take(engine.submit(withRouting(prompts.with(), 1, policy)));
      assertThat(degraded(result)).isNotEmpty()
          .allSatisfy(one -> assertThat(one.experts()).containsExactly(prompts.expert()));
    }
    assertThat(experts.asked()).isNotEmpty().doesNotContain(prompts.expert());
  }

  /** One step holds a request of each policy and one that needs nothing that is missing. */
  @Test
  void eachRequestOfABatchGoesItsOwnWay() {
    Disjoint prompts = disjoint(3);
    experts.gone(prompts.expert());
    Result substitutedAlone = TestModels
        .take(engine.submit(request(prompts.with(), 3, UnavailablePolicy.SUBSTITUTE)));
    Result droppedAlone = TestModels.take(engine.submit(request(prompts.with(), 3, UnavailablePolicy.DROP)));

    Generation unconcerned = engine.submit(request(prompts.without(), 3, UnavailablePolicy.STRICT));
    Generation strict = engine.submit(request(prompts.with(), 3, UnavailablePolicy.STRICT));
    Generation waiting = engine.submit(request(prompts.with(), 3, UnavailablePolicy.WAIT));
    Generation substituted = engine.submit(request(prompts.with(), 3, UnavailablePolicy.SUBSTITUTE));
    Generation dropped = engine.submit(request(prompts.with(), 3, UnavailablePolicy.DROP));

    assertThat(TestModels.take(unconcerned).events())
        .isEqualTo(undisturbed(request(prompts.without(), 3, UnavailablePolicy.STRICT)));
    assertThat(failure(TestModels.take(strict))).hasMessageContaining("expert " + prompts.expert());
    assertThat(TestModels.take(substituted).events()).isEqualTo(substitutedAlone.events());
    assertThat(TestModels.take(dropped).events()).isEqualTo(droppedAlone.events());
    assertThat(degraded(substitutedAlone)).isNotEmpty();
    assertThat(degraded(droppedAlone)).isNotEmpty();
    await(() -> engine.load().blocked() == 1 && engine.load().running() == 1);
    experts.gone();
    assertThat(TestModels.take(waiting).events())
        .isEqualTo(undisturbed(request(prompts.with(), 3, UnavailablePolicy.WAIT)));
    assertThat(engine.load().degradedRequests()).isEqualTo(4);
    assertThat(engine.load().blockedRequests()).isEqualTo(1);
    assertThat(engine.load().kvPagesUsed()).isZero();
  }

  /** In the chunks of a prompt and while tokens are generated, in every layer. */
  @ParameterizedTest
  @ValueSource(ints = {1, 3, 7, 9})
  void whoWaitsGoesOnWithTheSameBits(int call) {
    GenerationRequest request = request(prompt(2, 21), 6, UnavailablePolicy.WAIT);
    List<GenerationEvent> expected = undisturbed(request);
    for (int layer = 0; layer < MODEL.architecture().blocks().size(); layer++) {
      experts.script(loseAt(layer, call, true));
      try (BatchingEngine fresh = engine(ROOMY)) {
        Generation waiting = fresh.submit(request);
        await(() -> fresh.load().blocked() == 1);
        experts.gone();
        assertThat(TestModels.take(waiting).events()).as("call %d of layer %d", call, layer).isEqualTo(expected);
        assertThat(fresh.load().blocked()).isZero();
        assertThat(fresh.load().kvPagesUsed()).isZero();
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void whoeverChoosesAnExpertThatSleepsWakesItAndGoesOnWithTheSameBits(UnavailablePolicy policy) {
    Disjoint prompts = disjoint(3);
    GenerationRequest request = request(prompts.with(), 3, policy);
    List<GenerationEvent> expected = undisturbed(request);
    experts.asleep(new SleepingExperts(Set.of(prompts.expert()), Duration.ofMinutes(1), 10));
    Generation waiting = engine.submit(request);
    await(() -> experts.wanted().equals(Set.of(prompts.expert())));
    assertThat(TestModels.take(engine.submit(request(prompts.without(), 3, policy))).tokens()).hasSize(3);
    assertThat(engine.load().blocked()).isEqualTo(1);
    experts.gone();
    assertThat(TestModels.take(waiting).events()).isEqualTo(expected);
    await(() -> experts.wanted().isEmpty());
    assertThat(engine.load().degradedRequests()).isZero();
  }

  @Test
  void allThatTheTokensOfALayerChooseIsStartedAtTheSameTime() {
    experts.asleep(new SleepingExperts(Set.of(allExperts()), Duration.ofMinutes(1), 10));
    Generation waiting = engine.submit(request(prompt(4, 40), 3, UnavailablePolicy.STRICT));
    await(() -> experts.wanted().size() > 3); // more than one token chooses
    waiting.close();
    await(() -> experts.wanted().isEmpty());
  }

  @Test
  void asManyWaitForAnExpertThatSleepsAsMayAndForAsLong() {
    Disjoint prompts = disjoint(3);
    experts.asleep(new SleepingExperts(Set.of(prompts.expert()), Duration.ofMinutes(1), 1));
    Generation first = engine.submit(request(prompts.with(), 3, UnavailablePolicy.STRICT));
    await(() -> engine.load().blocked() == 1);
    assertThat(failure(TestModels.take(engine.submit(request(prompts.with(), 3, UnavailablePolicy.STRICT)))))
        .hasMessageContaining("expert " + prompts.expert());
    first.close();
    await(() -> engine.load().running() == 0);
    experts.asleep(new SleepingExperts(Set.of(prompts.expert()), Duration.ofMillis(40), 1));
    assertThat(failure(TestModels.take(engine.submit(request(prompts.with(), 3, UnavailablePolicy.STRICT)))))
        .hasMessageContaining("did not come back within 0.04 s");
    await(() -> experts.wanted().isEmpty());
  }

  /** A call can lose an expert that was there before and after it; nothing says that it is back. */
  @Test
  void whoWaitsTriesAgainByItself() {
    GenerationRequest request = request(prompt(3, 10), 6, UnavailablePolicy.WAIT);
    experts.script(loseAt(2, 4, false));
    assertThat(TestModels.take(engine.submit(request)).events()).isEqualTo(undisturbed(request));
    assertThat(engine.load().blockedRequests()).isEqualTo(1);
  }

  @Test
  void waitingEndsAtItsLimit() {
    experts.gone(allExperts());
    WhenUnavailable brief = new WhenUnavailable(UnavailablePolicy.WAIT, Duration.ofMillis(40));
    FailureException failure = failure(TestModels.take(engine.submit(TestModels.greedy(prompt(4, 5), 5).with(brief))));
    assertThat(failure.category()).isEqualTo(FailureCategory.UNAVAILABLE);
    assertThat(failure)
        .hasMessageMatching("expert \\d of layer 0 is not available: .* did not come back within 0.04 s");
    assertThat(engine.load().kvPagesUsed()).isZero();
  }

  @Test
  void aRequestThatIsCancelledWhileItWaitsLeavesNothingBehind() {
    experts.gone(allExperts());
    Generation waiting = engine.submit(request(prompt(4, 9), 5, UnavailablePolicy.WAIT));
    await(() -> engine.load().blocked() == 1);
    assertThat(engine.load().kvPagesUsed()).isPositive();
    waiting.close();
    await(() -> engine.load().running() == 0);
    assertThat(engine.load().kvPagesUsed()).isZero();
    assertThat(engine.load().blocked()).isZero();
  }

  @Test
  void drainingAndClosingEndThoseThatWait() throws InterruptedException {
    experts.gone(allExperts());
    Generation drained = engine.submit(request(prompt(4, 9), 5, UnavailablePolicy.WAIT));
    engine.drain(Duration.ofMillis(20));
    assertThat(failure(TestModels.take(drained)).category()).isEqualTo(FailureCategory.UNAVAILABLE);
    BatchingEngine another = engine(ROOMY);
    Generation closed = another.submit(request(prompt(4, 9), 5, UnavailablePolicy.WAIT));
    await(() -> another.load().blocked() == 1);
    another.close();
    assertThat(failure(TestModels.take(closed)).category()).isEqualTo(FailureCategory.UNAVAILABLE);
  }

  @Test
  void whoWaitsTakesNobodysPlace() {
    Disjoint prompts = disjoint(3);
    experts.gone(prompts.expert());
    try (BatchingEngine single = engine(new EngineConfiguration(1, 1, 4, 8, 4, 64))) {
      Generation waiting = single.submit(request(prompts.with(), 3, UnavailablePolicy.WAIT));
      await(() -> single.load().blocked() == 1);
      GenerationRequest other = request(prompts.without(), 3, UnavailablePolicy.STRICT);
      assertThat(TestModels.take(single.submit(other)).events()).isEqualTo(undisturbed(other));
      waiting.close();
    }
  }

  @Test
  void whoWaitsGivesItsPagesToThoseThatNeedThem() {
    GenerationRequest first = request(prompt(5, 20), 10, UnavailablePolicy.WAIT);
    GenerationRequest second = request(prompt(6, 3), 58, UnavailablePolicy.DROP);
    try (BatchingEngine tight = engine(new EngineConfiguration(1, 4, 4, 32, 4, 16))) {
      experts.script(loseAt(0, 3, true));
      Generation waiting = tight.submit(first);
      await(() -> tight.load().blocked() == 1);
      assertThat(TestModels.take(tight.submit(second)).tokens()).hasSize(58);
      experts.gone();
      assertThat(TestModels.take(waiting).events()).isEqualTo(undisturbed(first));
    }
  }

  /** The first eight positions are as the model says, the others of the first request are not. */
  @ParameterizedTest
  @EnumSource(names = {"SUBSTITUTE", "DROP"})
  void degradedPositionsAreNeverReused(UnavailablePolicy policy) {
    int[] prompt = prompt(7, 30);
    AtomicInteger steps = new AtomicInteger();
    experts.script((layer, plan) -> {
      if (layer == 0) {
        steps.incrementAndGet();
      }
      return layer == 1 && steps.get() > 1 ? Set.of(3) : Set.of();
    });
    GenerationRequest strict = request(prompt, 4, UnavailablePolicy.STRICT);
    List<GenerationEvent> expected = undisturbed(strict);
    try (BatchingEngine whole = engine(new EngineConfiguration(1, 4, 4, 8, 4, 64, 100))) {
      assertThat(degraded(TestModels.take(whole.submit(request(prompt, 4, policy))))).hasSize(1);
      experts.script((layer, plan) -> Set.of());
      Result second = TestModels.take(whole.submit(strict));
      assertThat(second.prompt().reusedTokens()).isEqualTo(8);
      assertThat(second.events().subList(1, second.events().size())).isEqualTo(expected.subList(1, expected.size()));
      Result third = TestModels.take(whole.submit(strict));
      assertThat(third.prompt().reusedTokens()).isEqualTo(28);
      assertThat(third.events().subList(1, third.events().size())).isEqualTo(expected.subList(1, expected.size()));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"SUBSTITUTE", "DROP"})
  void whereNothingIsLeftTheRequestFails(UnavailablePolicy policy) {
    experts.gone(allExperts());
    assertThat(failure(TestModels.take(engine.submit(request(prompt(8, 4), 2, policy)))).category())
        .isEqualTo(FailureCategory.UNAVAILABLE);
    assertThat(experts.asked()).isEmpty();
  }

  /** However many experts get lost one after the other, the step ends. */
  @Test
  void substitutesMayGetLostToo() {
    experts.script((layer, plan) -> {
      Set<Integer> lost = new HashSet<>();
      Arrays.stream(plan.expertIds()).filter(expert -> expert < EXPERTS - 1).forEach(lost::add);
      return lost;
    });
    Result result = TestModels
        .take(engine.submit(withRouting(prompt(9, 3), 2, UnavailablePolicy.SUBSTITUTE)));
    for (TokenRouting routing : result.prompt().routing()) {
      for (int layer = 0; layer < routing.experts().length; layer++) {
        for (int rank = 0; rank < routing.experts()[layer].length; rank++) {
          assertThat(routing.weights()[layer][rank] > 0).isEqualTo(routing.experts()[layer][rank] == EXPERTS - 1);
        }
      }
    }
  }

  @Test
  void whatTheClientSaysAboutAFailureIsKeptAndTheEngineGoesOn() {
    GenerationRequest request = request(prompt(10, 20), 3, UnavailablePolicy.DROP);
    experts.script((layer, plan) -> {
      throw new FailureException(FailureCategory.OVERLOADED, "on purpose");
    });
    FailureException failure = failure(TestModels.take(engine.submit(request)));
    assertThat(failure.category()).isEqualTo(FailureCategory.OVERLOADED);
    assertThat(failure).hasMessage("on purpose");
    assertThat(experts.inFlight()).isZero();
    experts.script((layer, plan) -> {
      throw new IllegalStateException("on purpose");
    });
    assertThat(failure(TestModels.take(engine.submit(request))).category()).isEqualTo(FailureCategory.INTERNAL);
    experts.script((layer, plan) -> Set.of());
    assertThat(TestModels.take(engine.submit(request)).events()).isEqualTo(undisturbed(request));
  }
}
