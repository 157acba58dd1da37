package io.expertmesh.router.control;

import io.expertmesh.router.placement.PlacementSettings;
import java.time.Duration;

/**
 * How a router leads.
 *
 * @param lease how long a process stays in the table without being heard of
 * @param settle how long processes get to register with a new leader before gateways with a table get another
 */
public record ControlSettings(Duration lease, Duration settle, int maxProcesses, int maxGateways,
    PlacementSettings placement) {}
