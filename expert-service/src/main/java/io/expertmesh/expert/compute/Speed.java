package io.expertmesh.expert.compute;

/** How many rows a second the process computes, as measured with batches large enough to say something. */
public final class Speed {
  /** A smaller batch is bound by reading weights, and says little of what a busy process can do. */
  private static final int REALISTIC_ROWS = 64;
  private static final double NEWS = 0.1;

  private volatile double rowsPerSecond;

  /** 0 until it was measured. */
  public double rowsPerSecond() {
    return rowsPerSecond;
  }

  /** The first measurement. */
  void measured(int rows, long nanos) {
    rowsPerSecond = rate(rows, nanos);
  }

  /** Called by the thread that computes. */
  @SuppressWarnings("NonAtomicOperationOnVolatileField") // one writer
  void saw(int rows, long nanos) {
    if (rows >= REALISTIC_ROWS) {
      double rate = rate(rows, nanos);
      rowsPerSecond = rowsPerSecond == 0 ? rate : rowsPerSecond + NEWS * (rate - rowsPerSecond);
    }
  }

  /** How long {@code rows} take, in nanoseconds; 0 while nothing is known. */
  long nanosFor(int rows) {
    double speed = rowsPerSecond;
    return speed == 0 ? 0 : (long) (rows / speed * 1e9);
  }

  private static double rate(int rows, long nanos) {
    return rows * 1e9 / Math.max(1, nanos);
  }
}
