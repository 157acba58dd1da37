package io.expertmesh.expert.compute;

import io.expertmesh.model.device.LoadedExpert;

/** An expert of a layer that the process holds, or held when a batch for it was read. */
final class HeldExpert {
  final LoadedExpert loaded;
  private volatile boolean givenUp;

  HeldExpert(LoadedExpert loaded) {
    this.loaded = loaded;
  }

  /** From now on no batch for it is queued; those that wait are computed. */
  void giveUp() {
    givenUp = true;
  }

  boolean isGivenUp() {
    return givenUp;
  }
}
