package io.expertmesh.simulator.events;

/** Counts what happens; once a window is set, only what happens in it. */
final class Tally {
  private final double[] groupSeconds;
  private final Distribution timePerToken = new Distribution();
  private final Distribution timeToFirstToken = new Distribution();
  private double from;
  private double seconds = Double.POSITIVE_INFINITY;
  private long tokens;
  private long firstTokens;
  private double lastFirstToken;
  private double lastToken;
  private double[] tokenTimes = new double[0];
  private long steps;
  private long stepRows;
  private long messages;
  private long batches;
  private long expertRows;
  private double waited;

  Tally(int groups) {
    groupSeconds = new double[groups];
  }

  /** Looks only at so many seconds from {@code from} on. */
  void window(double from, double seconds) {
    this.from = from;
    this.seconds = seconds;
  }

  /** Keeps the time of each token. */
  void keepTimes(int mostTokens) {
    tokenTimes = new double[mostTokens];
  }

  private boolean sees(double now) {
    return now >= from;
  }

  /** {@code request} has its next token, which is not counted in it yet. */
  void token(Request request, double now) {
    if (tokenTimes.length > 0) {
      tokenTimes[(int) tokens] = now;
    }
    if (sees(now)) {
      tokens++;
      if (request.generated == 0) {
        firstTokens++;
        timeToFirstToken.add(now - request.arrived);
      } else if (!Double.isNaN(request.lastToken)) {
        timePerToken.add(now - request.lastToken);
      }
    }
    if (request.generated == 0) {
      lastFirstToken = Math.max(lastFirstToken, now);
    }
    lastToken = now;
  }

  /** A gateway has finished a step. */
  void step(int rows, double now) {
    if (sees(now)) {
      steps++;
      stepRows += rows;
    }
  }

  /** A gateway sends so many. */
  void messages(int count, double now) {
    messages += sees(now) ? count : 0;
  }

  /** Experts begin with a batch. */
  void batch(int rows, double waits, double now) {
    if (sees(now)) {
      batches++;
      expertRows += rows;
      waited += waits;
    }
  }

  /** A whole worker begins with rows for its experts. */
  void ownRows(int rows, double now) {
    expertRows += sees(now) ? rows : 0;
  }

  /** A replica of {@code group} has computed from {@code since} to {@code until}, the end of the window at the latest. */
  void computed(int group, double since, double until) {
    groupSeconds[group] += Math.max(0, until - Math.max(from, since));
  }

  /**
   * Of the window.
   *
   * @param replicas of each group
   * @param waiting requests that no gateway has begun with
   * @param events of the whole simulation
   */
  Outcome outcome(int[] replicas, int waiting, long events) {
    double[] busy = new double[groupSeconds.length];
    for (int group = 0; group < busy.length; group++) {
      busy[group] = replicas[group] == 0 ? 0 : groupSeconds[group] / replicas[group] / seconds;
    }
    return new Outcome(seconds, tokens, firstTokens, timePerToken, timeToFirstToken, busy, steps,
        steps == 0 ? 0 : (double) stepRows / steps, messages, batches, expertRows,
        messages == 0 ? 0 : waited / messages, waiting, events);
  }

  /** Of requests that came together, whose prompts have so many tokens in all. */
  BatchOutcome batchOutcome(double promptTokens) {
    long decoded = 0;
    for (double time : tokenTimes) {
      decoded += time > lastFirstToken ? 1 : 0;
    }
    return new BatchOutcome(promptTokens / lastFirstToken,
        lastToken > lastFirstToken ? decoded / (lastToken - lastFirstToken) : 0, tokens, expertRows);
  }
}
