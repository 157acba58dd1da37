package io.expertmesh.tornado;

import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.device.ExpertDevice;
import io.expertmesh.model.device.ExpertWeights;
import io.expertmesh.model.device.LoadedExpert;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Experts on one device, in {@link ExpertBank}s. A released expert's slot is the next one's; banks stay until the
 * device is closed.
 *
 * <p>A load may run beside forward: they take turns for a piece or a step.
 */
final class TornadoExperts implements ExpertDevice {
  /** One row streams the weights, a few share them, many go through tiles of both sizes. */
  private static final List<Integer> ROW_COUNTS = List.of(1, 3, 16, 65);

  private record Expert(int layer, int id, ExpertBank bank, int slot) implements LoadedExpert {}

  private final DeviceAccess device;
  private final int maxRows;
  /** Of the device: plans run one at a time. */
  private final ReentrantLock running = new ReentrantLock(true);
  /** Of the slots. */
  private final ReentrantLock loading = new ReentrantLock();
  private final BankPlanner planner;
  private final List<ExpertBank> banks = new CopyOnWriteArrayList<>();
  private final Step step = new Step();
  private volatile @Nullable FailureException failed;

  /**
   * Checks that the device computes.
   *
   * @throws FailureException UNAVAILABLE if it does not
   */
  TornadoExperts(DeviceAccess device, int maxRows) {
    this(device, maxRows, device.memoryBytes(), device.arrayBytes());
  }

  /**
   * @param memoryBytes of the device that may be taken
   * @param arrayBytes of one array on it at most
   */
  TornadoExperts(DeviceAccess device, int maxRows, long memoryBytes, long arrayBytes) {
    this.device = device;
    this.maxRows = maxRows;
    this.planner = new BankPlanner(memoryBytes, arrayBytes, this::sizes);
    DeviceProbe.check(device);
  }

  private List<StepSize> sizes(BankShape shape) {
    return StepSize.of(shape, maxRows, device.hasTensorCores());
  }

  @Override
  public String name() {
    return "tornado %s: %s".formatted(device.driver(), device.description().name());
  }

  @Override
  public Numerics numerics() {
    return Numerics.FAST;
  }

  @Override
  public List<Integer> rowCounts() {
    return ROW_COUNTS.stream().filter(rows -> rows <= Math.max(1, maxRows)).toList();
  }

  /** {@inheritDoc} They are copied to the device. */
  @Override
  public boolean keepsWeights() {
    return false;
  }

  @Override
  public void reserve(List<ExpertWeights> examples, int each) {
    loading.lock();
    try {
      planner.plan(banks, examples, each);
    } finally {
      loading.unlock();
    }
  }

  @Override
  public LoadedExpert load(ExpertWeights weights) {
    loading.lock();
    try {
      BankShape shape = BankShape.of(weights);
      ExpertBank bank = bankFor(shape, weights.layer());
      return new Expert(weights.layer(), weights.id(), bank, bank.put(weights));
    } finally {
      loading.unlock();
    }
  }

  /** A bank with a free slot: one that has the layer already, so that a step of the layer needs one bank only. */
  private ExpertBank bankFor(BankShape shape, int layer) {
    ExpertBank other = null;
    for (ExpertBank bank : banks) {
      if (bank.shape().equals(shape) && bank.freeSlots() > 0) {
        if (bank.hasLayer(layer)) {
          return bank;
        }
        other = bank;
      }
    }
    if (other != null && !planner.hasPlanFor(shape, layer)) {
      return other;
    }
    BankPlanner.PlannedBank planned = planner.take(banks, shape, layer);
    ExpertBank bank = new ExpertBank("b" + banks.size(), device, planned, sizes(shape), running);
    banks.add(bank);
    return bank;
  }

  @Override
  public void forward(List<LoadedExpert> experts, int[] starts, float[] x, float[] out) {
    FailureException before = failed;
    if (before != null) {
      throw DeviceFailure.of(String.valueOf(before.getMessage()), before);
    }
    try {
      // All of them are in one bank unless a layer's did not fit into one.
      for (int i = 0; i < experts.size(); i++) {
        ExpertBank bank = ((Expert) experts.get(i)).bank();
        if (isFirstOf(bank, experts, i)) {
          forward(bank, experts, i, starts, x, out);
        }
      }
    } catch (FailureException failure) {
      if (failure.category() == FailureCategory.UNAVAILABLE) {
        failed = failure;
      }
      throw failure;
    }
  }

  private static boolean isFirstOf(ExpertBank bank, List<LoadedExpert> experts, int position) {
    for (int i = 0; i < position; i++) {
      if (((Expert) experts.get(i)).bank() == bank) {
        return false;
      }
    }
    return true;
  }

  /** Those experts from {@code first} on that are in {@code bank}, in steps of as many rows as the sizes allow. */
  private void forward(ExpertBank bank, List<LoadedExpert> experts, int first, int[] starts, float[] x, float[] out) {
    int most = StepSize.most(maxRows);
    step.clear();
    for (int i = first; i < experts.size(); i++) {
      Expert expert = (Expert) experts.get(i);
      if (expert.bank() != bank) {
        continue;
      }
      for (int from = starts[i]; from < starts[i + 1];) {
        int rows = Math.min(starts[i + 1] - from, most - step.rows());
        if (rows == 0) {
          bank.forward(step, x, out);
          step.clear();
          continue;
        }
        step.add(expert.slot(), from, rows);
        from += rows;
      }
    }
    if (step.rows() > 0) {
      bank.forward(step, x, out);
    }
  }

  @Override
  public void release(LoadedExpert expert) {
    loading.lock();
    try {
      Expert released = (Expert) expert;
      released.bank().giveBack(released.slot());
    } finally {
      loading.unlock();
    }
  }

  /** Those that there are now. */
  List<ExpertBank> banks() {
    return banks;
  }

  /** Bytes of the device's memory that banks take. */
  long takenBytes() {
    return planner.bytes(banks);
  }

  @Override
  public void close() {
    List<ExpertBank> all = new ArrayList<>(banks);
    banks.clear();
    for (ExpertBank bank : all) {
      bank.close();
    }
  }
}
