package io.expertmesh.tornado;

import io.expertmesh.model.device.ExpertWeights;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Decides which banks there will be, and refuses what the device's memory does not hold before any of it is taken. */
final class BankPlanner {
  /** Slots of a bank for experts that nobody announced. */
  private static final int UNANNOUNCED = 1;

  /**
   * A bank that will be made when its first expert comes.
   *
   * @param layers whose experts it is for
   */
  record PlannedBank(BankShape shape, int slots, Set<Integer> layers) {}

  private final long memoryBytes;
  private final long arrayBytes;
  private final Function<BankShape, List<StepSize>> sizes;
  private final List<PlannedBank> planned = new ArrayList<>();

  /**
   * @param memoryBytes of the device
   * @param arrayBytes of one array on it at most
   * @param sizes of the steps of a bank
   */
  BankPlanner(long memoryBytes, long arrayBytes, Function<BankShape, List<StepSize>> sizes) {
    this.memoryBytes = memoryBytes;
    this.arrayBytes = arrayBytes;
    this.sizes = sizes;
  }

  /**
   * Plans banks for {@code each} experts like each of {@code examples}, instead of what was planned before.
   *
   * @param examples one of each layer
   * @throws FailureException TOO_LARGE if they do not fit
   */
  void plan(List<ExpertBank> banks, List<ExpertWeights> examples, int each) {
    planned.clear();
    Map<BankShape, List<Integer>> layers = new LinkedHashMap<>();
    for (ExpertWeights example : examples) {
      layers.computeIfAbsent(BankShape.of(example), _ -> new ArrayList<>()).add(example.layer());
    }
    List<PlannedBank> plan = new ArrayList<>();
    layers.forEach((shape, ids) -> plan(shape, ids, each, freeSlots(banks, shape), plan));
    checkMemory(banks, plan);
    planned.addAll(plan);
  }

  private void plan(BankShape shape, List<Integer> layers, int each, int free, List<PlannedBank> plan) {
    int most = mostSlots(shape);
    int left = free;
    int slots = 0;
    Set<Integer> together = new HashSet<>();
    for (int layer : layers) {
      int needed = each - Math.min(each, left);
      left -= each - needed;
      // A layer's experts lie together where they can.
      if (slots + needed > most && slots > 0) {
        plan.add(new PlannedBank(shape, slots, together));
        together = new HashSet<>();
        slots = 0;
      }
      while (needed > most) {
        plan.add(new PlannedBank(shape, most, Set.of(layer)));
        needed -= most;
      }
      if (needed > 0) {
        together.add(layer);
        slots += needed;
      }
    }
    if (slots > 0) {
      plan.add(new PlannedBank(shape, slots, together));
    }
  }

  private int mostSlots(BankShape shape) {
    int most = shape.mostSlots(arrayBytes);
    if (most < 1) {
      throw new FailureException(FailureCategory.TOO_LARGE, """
          an expert of %d x %d takes an array of more than the %d bytes that the device allows for one""".formatted(
          shape.hidden(), shape.size(), arrayBytes));
    }
    return most;
  }

  boolean hasPlanFor(BankShape shape, int layer) {
    return planFor(shape, layer) != null;
  }

  private @Nullable PlannedBank planFor(BankShape shape, int layer) {
    for (PlannedBank bank : planned) {
      if (bank.shape().equals(shape) && bank.layers().contains(layer)) {
        return bank;
      }
    }
    return null;
  }

  /**
   * The next bank to make for an expert of {@code layer}.
   *
   * @throws FailureException TOO_LARGE if it does not fit
   */
  PlannedBank take(List<ExpertBank> banks, BankShape shape, int layer) {
    PlannedBank bank = planFor(shape, layer);
    if (bank != null) {
      planned.remove(bank);
      return bank;
    }
    PlannedBank unannounced = new PlannedBank(shape, Math.min(UNANNOUNCED, mostSlots(shape)), Set.of(layer));
    List<PlannedBank> all = new ArrayList<>(planned);
    all.add(unannounced);
    checkMemory(banks, all);
    return unannounced;
  }

  private static int freeSlots(List<ExpertBank> banks, BankShape shape) {
    return banks.stream().filter(bank -> bank.shape().equals(shape)).mapToInt(ExpertBank::freeSlots).sum();
  }

  private void checkMemory(List<ExpertBank> banks, List<PlannedBank> plan) {
    long taken = bytes(banks);
    long needed = plan.stream().mapToLong(bank -> bytes(bank.shape(), bank.slots())).sum();
    if (needed > memoryBytes - taken) {
      throw new FailureException(FailureCategory.TOO_LARGE,
          """
              the experts do not fit the device: they need %,d bytes with their buffers, %,d of its %,d are taken; give \
              this process fewer experts, hold them in a smaller type (--expert-dtype q8_0 or q4_0), or raise -Dtornado.device.memory if \
              that is what limits it"""
              .formatted(needed, taken, memoryBytes));
    }
  }

  /** Bytes of device memory that banks take. */
  long bytes(List<ExpertBank> banks) {
    return banks.stream().mapToLong(bank -> bytes(bank.shape(), bank.slots())).sum();
  }

  /** Weights, the pieces in which they are sent, and what the steps read and write. */
  private long bytes(BankShape shape, int slots) {
    long bytes = slots * shape.slotBytes() + BankArrays.PIECES;
    for (StepSize size : sizes.apply(shape)) {
      bytes += StepGraph.bytes(shape, size);
    }
    return bytes;
  }
}
