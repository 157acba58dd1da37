package io.expertmesh.router.control;

import io.expertmesh.router.placement.PlacementSettings;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a router leads.
 *
 * @param lease how long a process stays in the table without being heard of
 * @param settle how long processes get to register with a new leader before gateways with a table get another
 * @param stateFile keeps which processes are drained; null keeps it in memory alone
 */
public record ControlSettings(Duration lease, Duration settle, int maxProcesses, int maxGateways,
    @Nullable Path stateFile, PlacementSettings placement) {}
