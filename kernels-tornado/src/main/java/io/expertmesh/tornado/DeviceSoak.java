package io.expertmesh.tornado;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.architecture.Activation;
import io.expertmesh.model.decoder.FeedForwardRunner;
import io.expertmesh.model.decoder.FeedForwardWeights;
import io.expertmesh.model.device.DeviceDescription;
import io.expertmesh.model.device.ExpertDevices;
import io.expertmesh.model.device.ExpertWeights;
import io.expertmesh.model.device.LoadedExpert;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * Computes random steps on a device for a long time, with experts released and loaded between them, and prints a line of
 * JSON each minute. Every step's rows must have the bits that they had the first time, and those must agree with
 * {@link ScalarKernels}. Ends with 1 if one does not.
 *
 * <p>{@code key=value} arguments: {@code device} (as {@code --device}), {@code seconds} (1800).
 */
public final class DeviceSoak {
  private static final int HIDDEN = 128;
  private static final int SIZE = 192;
  private static final int EXPERTS = 6;
  private static final int ROWS = 40;
  private static final float TOLERANCE = 1e-5f;

  /** Experts of one type, rows, and what came of these in each expert the first time. */
  private static final class Kind {
    private final List<ExpertWeights> weights = new ArrayList<>();
    private final List<LoadedExpert> loaded = new ArrayList<>();
    private final float[] rows;
    /** By expert. */
    private final float[][] expected = new float[EXPERTS][];

    Kind(TornadoExperts device, DType dtype, Activation activation, RandomExperts random) {
      for (int id = 0; id < EXPERTS; id++) {
        weights.add(random.expert(0, id, activation, dtype, dtype, HIDDEN, SIZE, false));
        loaded.add(device.load(weights.get(id)));
      }
      rows = random.floats(ROWS * HIDDEN);
    }

    /** Of all rows in expert {@code id}. */
    float[] compute(TornadoExperts device, int id) {
      float[] out = new float[ROWS * HIDDEN];
      device.forward(List.of(loaded.get(id)), new int[]{0, ROWS}, rows, out);
      return out;
    }

    /** The largest difference from the reference, relative to a row's largest value. */
    float check(int id, float[] actual) {
      ExpertWeights expert = weights.get(id);
      float[] reference = new float[actual.length];
      try (WorkerPool pool = new WorkerPool(1)) {
        new FeedForwardRunner(new ScalarKernels(), pool).forward(
            List.of(new FeedForwardWeights(expert.activation(), expert.gate(), expert.up(), expert.down(),
                expert.biases())),
            new int[]{0, ROWS}, rows, reference);
      }
      float worst = 0f;
      for (int row = 0; row < ROWS; row++) {
        float difference = 0f;
        float largest = Float.MIN_NORMAL;
        for (int i = row * HIDDEN; i < (row + 1) * HIDDEN; i++) {
          difference = Math.max(difference, Math.abs(actual[i] - reference[i]));
          largest = Math.max(largest, Math.abs(reference[i]));
        }
        worst = Math.max(worst, difference / largest);
      }
      return worst;
    }
  }

  private final TornadoExperts device;
  private final List<Kind> kinds = new ArrayList<>();
  private final SplittableRandom random = new SplittableRandom(1);
  private long steps;
  private long wrong;
  private long loads;

  private DeviceSoak(TornadoExperts device) {
    this.device = device;
    RandomExperts experts = new RandomExperts(1);
    for (DType dtype : List.of(DType.F32, DType.BF16, DType.Q8_0, DType.Q4_0, DType.MXFP4)) {
      kinds.add(new Kind(device, dtype,
          dtype == DType.MXFP4 ? new Activation.ClampedSwish(1.702f, 7f) : new Activation.GatedSilu(), experts));
    }
  }

  /** See the class. */
  public static void main(String[] args) throws IOException {
    String chosen = null;
    double seconds = 1800;
    for (String arg : args) {
      String value = arg.substring(arg.indexOf('=') + 1);
      switch (arg.substring(0, Math.max(0, arg.indexOf('=')))) {
        case "device" -> chosen = value;
        case "seconds" -> seconds = Double.parseDouble(value);
        default -> throw new IllegalArgumentException("arguments are device=... and seconds=..., not " + arg);
      }
    }
    List<DeviceAccess> all = TornadoDevices.all();
    DeviceDescription description = ExpertDevices.choose(all.stream().map(DeviceAccess::description).toList(), chosen);
    DeviceSoak soak = new DeviceSoak(new TornadoExperts(all.get(description.index()), StepSize.MOST_ROWS));
    soak.run(seconds);
    System.exit(soak.wrong == 0 ? 0 : 1); // TornadoVM's threads would go on.
  }

  private void run(double seconds) throws IOException {
    for (Kind kind : kinds) {
      for (int id = 0; id < EXPERTS; id++) {
        kind.expected[id] = kind.compute(device, id);
        float difference = kind.check(id, kind.expected[id]);
        if (!(difference < TOLERANCE)) {
          throw new IllegalStateException("%s differs by %.1e from the reference".formatted(
              kind.weights.get(id).up().dtype(), difference));
        }
      }
    }
    long start = System.nanoTime();
    long reported = start;
    report(0);
    while (System.nanoTime() - start < seconds * 1e9) {
      step();
      if (System.nanoTime() - reported >= 60_000_000_000L) {
        reported = System.nanoTime();
        report((reported - start) / 1e9);
      }
    }
    report((System.nanoTime() - start) / 1e9);
  }

  private void step() {
    Kind kind = kinds.get(random.nextInt(kinds.size()));
    int id = random.nextInt(EXPERTS);
    if (random.nextInt(20) == 0) {
      device.release(kind.loaded.get(id));
      kind.loaded.set(id, device.load(kind.weights.get(id)));
      loads++;
    }
    // What comes of a row depends on its expert and the kernels alone, not on the other rows.
    if (!Arrays.equals(kind.compute(device, id), kind.expected[id])) {
      wrong++;
    }
    steps++;
    mixed(kind);
  }

  private void mixed(Kind kind) {
    int[] starts = new int[EXPERTS + 1];
    for (int id = 0; id < EXPERTS; id++) {
      starts[id + 1] = starts[id] + random.nextInt(16, ROWS + 1);
    }
    float[] x = new float[starts[EXPERTS] * HIDDEN];
    for (int id = 0; id < EXPERTS; id++) {
      System.arraycopy(kind.rows, 0, x, starts[id] * HIDDEN, (starts[id + 1] - starts[id]) * HIDDEN);
    }
    float[] out = new float[x.length];
    device.forward(kind.loaded, starts, x, out);
    for (int id = 0; id < EXPERTS; id++) {
      int count = (starts[id + 1] - starts[id]) * HIDDEN;
      if (!Arrays.equals(out, starts[id] * HIDDEN, starts[id] * HIDDEN + count, kind.expected[id], 0, count)) {
        wrong++;
      }
    }
    steps++;
  }

  private void report(double seconds) throws IOException {
    Path status = Path.of("/proc/self/status");
    String memory = Files.exists(status)
        ? Files.readAllLines(status).stream().filter(line -> line.startsWith("VmRSS")).findFirst().orElse("")
        : "";
    Runtime runtime = Runtime.getRuntime();
    System.out.printf(Locale.ROOT, """
        {"seconds": %.0f, "steps": %d, "loads": %d, "wrong": %d, "process_mb": %s, "heap_mb": %d}%n""", seconds, steps,
        loads, wrong, memory.isEmpty() ? "null" : Long.parseLong(memory.replaceAll("\\D", "")) / 1024,
        (runtime.totalMemory() - runtime.freeMemory()) >> 20);
  }
}
