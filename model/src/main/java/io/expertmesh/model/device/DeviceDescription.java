package io.expertmesh.model.device;

/**
 * A device as {@code inspect --devices} shows it and {@code --device} chooses it.
 *
 * @param index what {@code --device N} means, from 0
 * @param name such as {@code NVIDIA H100 80GB HBM3}
 * @param kind {@code cpu}, {@code gpu} or {@code accelerator}
 * @param driver what it is reached by, such as {@code opencl} or {@code vector-512}
 * @param memoryBytes that weights and buffers can take; 0 if it has no limit of its own
 */
public record DeviceDescription(int index, String name, String kind, String driver, long memoryBytes) {}
