package io.expertmesh.tornado;

import io.expertmesh.kernels.DType;
import io.expertmesh.model.architecture.Activation;
import io.expertmesh.model.device.DeviceDescription;
import io.expertmesh.model.device.ExpertDevices;
import io.expertmesh.model.device.ExpertWeights;
import io.expertmesh.model.device.LoadedExpert;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Measures steps of a layer on a device and prints a line of JSON for each.
 *
 * <p>{@code key=value} arguments: {@code device} (as {@code --device}), {@code models} (olmoe, mixtral), {@code types}
 * (f32, f16, bf16, q8_0, q4_0, mxfp4), {@code rows} (pairs of row and expert in a step), {@code experts} held,
 * {@code seconds} of measuring for each line. Lists have commas.
 */
public final class DeviceBenchmark {
  /** @param experts of a layer */
  private record Model(int hidden, int size, int experts) {}

  private static final Map<String, Model> MODELS = Map.of("olmoe", new Model(2048, 1024, 64), "mixtral",
      new Model(4096, 14336, 8));
  private static final int WARM_UPS = 20;
  private static final int PROFILED = 20;

  private final DeviceAccess device;
  private final double seconds;
  private final double copyBytesPerSecond;

  private DeviceBenchmark(DeviceAccess device, double seconds) {
    this.device = device;
    this.seconds = seconds;
    this.copyBytesPerSecond = CopyBandwidth.measure(device);
  }

  /** See the class. */
  public static void main(String[] args) {
    Map<String, String> options = new LinkedHashMap<>(Map.of("models", "olmoe,mixtral", "types", "bf16,q8_0,q4_0",
        "rows", "1,8,64,512", "seconds", "2"));
    for (String arg : args) {
      String[] parts = arg.split("=", 2);
      if (parts.length != 2) {
        throw new IllegalArgumentException("arguments are key=value, not " + arg);
      }
      options.put(parts[0], parts[1]);
    }
    List<DeviceAccess> all = TornadoDevices.all();
    DeviceDescription chosen = ExpertDevices.choose(all.stream().map(DeviceAccess::description).toList(),
        options.get("device"));
    DeviceBenchmark benchmark = new DeviceBenchmark(all.get(chosen.index()),
        Double.parseDouble(options.getOrDefault("seconds", "2")));
    int[] rows = Arrays.stream(options.getOrDefault("rows", "1").split(",")).mapToInt(Integer::parseInt).toArray();
    for (String name : options.getOrDefault("models", "").split(",")) {
      for (String type : options.getOrDefault("types", "").split(",")) {
        benchmark.run(name, DType.valueOf(type.toUpperCase(Locale.ROOT)), rows, options.get("experts"));
      }
    }
    System.exit(0); // TornadoVM's threads would go on.
  }

  private void run(String name, DType dtype, int[] rowCounts, @Nullable String held) {
    Model model = MODELS.get(name);
    if (model == null) {
      throw new IllegalArgumentException("models are %s, not %s".formatted(MODELS.keySet(), name));
    }
    int experts = held == null ? model.experts() : Integer.parseInt(held);
    ExpertWeights weights = new RandomExperts(1).expert(0, 0, new Activation.GatedSilu(), dtype, dtype, model.hidden(),
        model.size(), false);
    try (TornadoExperts tornado = new TornadoExperts(device, StepSize.MOST_ROWS)) {
      tornado.reserve(List.of(weights), experts);
      long start = System.nanoTime();
      List<LoadedExpert> loaded = new ArrayList<>();
      for (int i = 0; i < experts; i++) {
        loaded.add(tornado.load(weights));
      }
      double loadSeconds = (System.nanoTime() - start) / 1e9;
      for (int rows : rowCounts) {
        measure(name, dtype, tornado, loaded, BankShape.of(weights), rows, loadSeconds);
      }
    }
  }

  private void measure(String name, DType dtype, TornadoExperts tornado, List<LoadedExpert> loaded, BankShape shape,
      int rows, double loadSeconds) {
    int active = Math.min(rows, loaded.size());
    int[] starts = new int[active + 1];
    for (int i = 0; i <= active; i++) {
      starts[i] = (int) ((long) rows * i / active);
    }
    float[] x = new RandomExperts(2).floats(rows * shape.hidden());
    float[] out = new float[x.length];
    int next = 0;
    for (int i = 0; i < WARM_UPS; i++) {
      tornado.forward(some(loaded, next++, active), starts, x, out);
    }
    List<Double> micros = new ArrayList<>();
    for (double took = 0; took < seconds * 1e6 || micros.size() < 5;) {
      List<LoadedExpert> experts = some(loaded, next++, active);
      long start = System.nanoTime();
      tornado.forward(experts, starts, x, out);
      micros.add((System.nanoTime() - start) / 1e3);
      took += micros.getLast();
    }
    List<Double> kernels = new ArrayList<>();
    tornado.banks().forEach(bank -> bank.profile(true));
    for (int i = 0; i < PROFILED; i++) {
      tornado.forward(some(loaded, next++, active), starts, x, out);
      kernels.add(tornado.banks().stream().mapToLong(ExpertBank::lastKernelNanos).sum() / 1e3);
    }
    tornado.banks().forEach(bank -> bank.profile(false));
    double wall = median(micros);
    double kernel = median(kernels);
    double bytes = (double) active * shape.slotBytes();
    double operations = 2.0 * rows * (shape.parts() + 1) * shape.hidden() * shape.size();
    System.out.printf(Locale.ROOT, """
        {"device": "%s", "model": "%s", "type": "%s", "rows": %d, "experts": %d, "held": %d, "load_s": %.2f, \
        "wall_us": %.1f, "wall_best_us": %.1f, "kernel_us": %.1f, "kernel_best_us": %.1f, "host_us": %.1f, \
        "weights_mb": %.1f, "kernel_gb_per_s": %.2f, \
        "copy_gb_per_s": %.2f, "share_of_copy": %.3f, "gflops": %.2f}%n""", tornado.name(), name, dtype, rows, active,
        loaded.size(), loadSeconds, wall, Collections.min(micros), kernel, Collections.min(kernels), wall - kernel,
        bytes / 1e6, bytes / kernel / 1e3,
        copyBytesPerSecond / 1e9, bytes / kernel * 1e6 / copyBytesPerSecond, operations / kernel / 1e3);
  }

  /** Others from step to step, so that caches do not hold them. */
  private static List<LoadedExpert> some(List<LoadedExpert> loaded, int step, int count) {
    List<LoadedExpert> some = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      some.add(loaded.get((step * count + i) % loaded.size()));
    }
    return some;
  }

  private static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    return sorted.get(sorted.size() / 2);
  }
}
