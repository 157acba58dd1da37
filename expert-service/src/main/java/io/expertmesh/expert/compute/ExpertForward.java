package io.expertmesh.expert.compute;

import io.expertmesh.model.device.LoadedExpert;
import java.util.List;

/** One step of a layer on the process's device, by the thread that computes: {@code ExpertDevice.forward}. */
@FunctionalInterface
interface ExpertForward {
  void forward(List<LoadedExpert> experts, int[] starts, float[] x, float[] out);
}
