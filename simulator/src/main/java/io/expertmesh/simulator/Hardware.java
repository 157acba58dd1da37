package io.expertmesh.simulator;

/**
 * A pod's machine.
 *
 * @param cores that the pod may use
 * @param gigaflops of one core, in 1e9 operations a second, as kernels reach them
 * @param gigabytes that one core reads, in 1e9 bytes a second
 */
public record Hardware(double cores, double gigaflops, double gigabytes) {
  double computeSeconds(double operations) {
    return operations / (cores * gigaflops * 1e9);
  }

  double readSeconds(double bytes) {
    return bytes / (cores * gigabytes * 1e9);
  }
}
