package io.expertmesh.benchmarks.kernels;

import io.expertmesh.kernels.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.concurrent.TimeUnit;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorSpecies;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What the machine can do: reading memory in order, and fused multiply-adds in registers. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(
    value = 1,
    jvmArgs = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-Xmx1g",
        "-XX:MaxDirectMemorySize=2g"})
@SuppressWarnings("NullAway.Init") // JMH calls the set-up
public class MachineLimits {
  /** Memory read. */
  @State(Scope.Thread)
  @AuxCounters(AuxCounters.Type.OPERATIONS)
  public static class Rate {
    public double gigabytes;
  }

  /** Multiplications and additions. */
  @State(Scope.Thread)
  @AuxCounters(AuxCounters.Type.OPERATIONS)
  public static class Arithmetic {
    public double gigaflops;
  }

  private static final VectorSpecies<Long> LONGS = LongVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final int PIECE = 1 << 20;
  private static final int ROUNDS = 100_000;
  private static final int CHAINS = 8;

  @Param({"1", "2"})
  public int threads;

  private final Arena arena = Arena.ofShared();
  private WorkerPool pool;
  private MemorySegment memory;
  private long[] found;
  private float[] sums;

  @Setup(Level.Trial)
  public void prepare() {
    pool = new WorkerPool(threads);
    memory = Weights.filled(arena, Weights.BYTES);
    found = new long[threads];
    sums = new float[threads];
  }

  @Benchmark
  public long[] read(Rate rate) {
    int pieces = (int) (Weights.BYTES / PIECE);
    pool.run(pieces, (piece, worker) -> found[worker] |= readPiece(memory.asSlice((long) piece * PIECE, PIECE)));
    rate.gigabytes += Weights.BYTES * 1e-9;
    return found;
  }

  private static long readPiece(MemorySegment piece) {
    LongVector a = LongVector.zero(LONGS);
    LongVector b = a;
    int step = LONGS.vectorByteSize();
    for (long at = 0; at < PIECE; at += 2L * step) {
      a = a.or(LongVector.fromMemorySegment(LONGS, piece, at, ByteOrder.nativeOrder()));
      b = b.or(LongVector.fromMemorySegment(LONGS, piece, at + step, ByteOrder.nativeOrder()));
    }
    return a.or(b).lane(0);
  }

  @Benchmark
  public float[] fma(Arithmetic arithmetic) {
    pool.run(threads, (task, worker) -> sums[task] = fmaRounds());
    arithmetic.gigaflops += 2e-9 * threads * ROUNDS * CHAINS * FLOATS.length();
    return sums;
  }

  private static float fmaRounds() {
    FloatVector x = FloatVector.broadcast(FLOATS, 0.5f);
    FloatVector y = FloatVector.broadcast(FLOATS, 0.7f);
    FloatVector a = x;
    FloatVector b = x;
    FloatVector c = x;
    FloatVector d = x;
    FloatVector e = x;
    FloatVector f = x;
    FloatVector g = x;
    FloatVector h = x;
    for (int i = 0; i < ROUNDS; i++) {
      a = a.fma(x, y);
      b = b.fma(x, y);
      c = c.fma(x, y);
      d = d.fma(x, y);
      e = e.fma(x, y);
      f = f.fma(x, y);
      g = g.fma(x, y);
      h = h.fma(x, y);
    }
    return a.add(b).add(c.add(d)).add(e.add(f).add(g.add(h))).lane(0);
  }

  @TearDown
  public void end() {
    pool.close();
    arena.close();
  }
}
