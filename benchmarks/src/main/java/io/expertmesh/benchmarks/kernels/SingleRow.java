package io.expertmesh.benchmarks.kernels;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.kernels.WorkerPool;
import java.util.concurrent.TimeUnit;
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

/** Decoding: one row of x; bound by how fast the weights come from memory. */
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
public class SingleRow {
  /** Weights read. */
  @State(Scope.Thread)
  @AuxCounters(AuxCounters.Type.OPERATIONS)
  public static class Rate {
    public double gigabytes;
  }

  @Param({"Q8_0", "Q4_0", "BF16", "F32"})
  public DType dtype;
  @Param({"1024x2048", "2048x1024", "2048x2048", "50304x2048"})
  public String shape;
  @Param({"1", "2"})
  public int threads;

  private final Kernels kernels = KernelSelection.kernels();
  private Weights weights;
  private WorkerPool pool;
  private float[] x;
  private float[] out;

  @Setup(Level.Trial)
  public void prepare() {
    weights = new Weights(dtype, shape);
    pool = new WorkerPool(threads);
    x = Weights.activations(weights.next().cols());
    out = new float[weights.next().rows()];
  }

  @Benchmark
  public float[] product(Rate rate) {
    WeightMatrix weight = weights.next();
    pool.ranges(weight.rows(), 16,
        (from, to, worker) -> kernels.matmul(weight, from, to, x, 0, weight.cols(), 1, out, 0, weight.rows()));
    rate.gigabytes += weight.data().byteSize() * 1e-9;
    return out;
  }

  @TearDown
  public void end() {
    pool.close();
    weights.close();
  }
}
