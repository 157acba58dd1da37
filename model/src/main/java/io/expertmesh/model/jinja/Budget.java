package io.expertmesh.model.jinja;

import java.time.Duration;

/** What one rendering may use. Chat templates are code from strangers: without a limit one could stop the server. */
final class Budget {
  private static final int MAX_STEPS = 5_000_000;
  /** Characters made in one rendering, intermediate ones included. */
  private static final long MAX_ALLOCATED = 1L << 26;
  /** What an item of a list counts for. */
  private static final int CHARACTERS_PER_ITEM = 16;
  private static final int MAX_CALL_DEPTH = 100;
  private static final Duration MAX_TIME = Duration.ofSeconds(10);

  private static final ScopedValue<Budget> CURRENT = ScopedValue.newInstance();

  private final long deadline = System.nanoTime() + MAX_TIME.toNanos();
  private int steps;
  private long allocated;
  private int callDepth;

  /** The budget of the rendering that runs in this thread. */
  static Budget current() {
    return CURRENT.get();
  }

  /** Runs a rendering with a budget of its own. */
  static String spend(ScopedValue.CallableOp<String, JinjaException> rendering) {
    return ScopedValue.where(CURRENT, new Budget()).call(rendering);
  }

  void step() {
    if (++steps > MAX_STEPS) {
      throw exceeded("takes more than %d steps".formatted(MAX_STEPS));
    }
    if ((steps & 0x3FF) == 0 && System.nanoTime() - deadline > 0) {
      throw exceeded("takes longer than %d s".formatted(MAX_TIME.toSeconds()));
    }
  }

  /** Called before a list of {@code items} is made. */
  void allocateItems(long items) {
    allocate(items * CHARACTERS_PER_ITEM);
  }

  /** Called before {@code characters} are made. */
  void allocate(long characters) {
    allocated += characters;
    if (characters < 0 || allocated > MAX_ALLOCATED) {
      throw exceeded("makes more than %d characters".formatted(MAX_ALLOCATED));
    }
  }

  void enterCall() {
    if (++callDepth > MAX_CALL_DEPTH) {
      throw exceeded("calls macros more than %d deep".formatted(MAX_CALL_DEPTH));
    }
  }

  void leaveCall() {
    callDepth--;
  }

  private static JinjaException exceeded(String what) {
    return new JinjaException(JinjaException.Kind.BUDGET, "the template " + what);
  }
}
