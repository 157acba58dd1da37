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
 * @param trafficFile declares the shares of traffic; null leaves them to admin calls
 */
public record ControlSettings(Duration lease, Duration settle, int maxProcesses, int maxGateways,
    @Nullable Path trafficFile, PlacementSettings placement) {}
