package io.expertmesh.router.placement;

import java.time.Duration;

/**
 * How experts are placed on processes that take assignments.
 *
 * @param shards how many processes a first placement waits for; 0 takes those that came before it got quiet
 * @param replicas copies of each expert
 * @param quiet how long no further process must have come, where {@code shards} is 0
 * @param patience how long a first placement waits for {@code shards} processes after the last one came
 * @param grace how long a lost process may take to come back before others get its experts
 * @param acknowledgement how long gateways may take to acknowledge a table before an expert is taken from its old place
 * @param moveTimeout how long a process may take to load an expert that is moved to it
 */
public record PlacementSettings(int shards, int replicas, Duration quiet, Duration patience, Duration grace,
    Duration acknowledgement, Duration moveTimeout) {}
