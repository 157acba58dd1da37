package io.expertmesh.expert.compute;

import io.expertmesh.model.device.LoadedExpert;
import org.jspecify.annotations.Nullable;

/** An expert of a layer that the process holds, or held when a batch for it was read. */
final class HeldExpert {
  final LoadedExpert loaded;
  private final @Nullable ExpertMemory memory;
  private volatile boolean givenUp;

  /**
   * @param memory of the weights, which the device reads; null if the device has its own
   */
  HeldExpert(LoadedExpert loaded, @Nullable ExpertMemory memory) {
    this.loaded = loaded;
    this.memory = memory;
  }

  /** Frees the weights, once the device has released the expert or computes no more. */
  void free() {
    if (memory != null) {
      memory.close();
    }
  }

  /** From now on no batch for it is queued; those that wait are computed. */
  void giveUp() {
    givenUp = true;
  }

  boolean isGivenUp() {
    return givenUp;
  }
}
