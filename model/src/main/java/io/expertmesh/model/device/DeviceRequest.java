package io.expertmesh.model.device;

import io.expertmesh.kernels.Numerics;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.architecture.Architecture;
import org.jspecify.annotations.Nullable;

/**
 * What a process needs a device for.
 *
 * @param device the index or a part of the name of one of the provider's devices; null for the provider's choice
 * @param numerics what the arithmetic must promise at least
 * @param model whose experts it will hold
 * @param maxRows rows of one step at most
 * @param pool the process's threads; the thread that calls the device may use them
 */
public record DeviceRequest(@Nullable String device, Numerics numerics, Architecture model, int maxRows,
    WorkerPool pool) {}
