package io.expertmesh.router.control;

import java.util.SortedMap;

/**
 * The measured load of processes that hold the same experts.
 *
 * @param version of the model
 * @param experts such as {@code 0-7}, or {@code auto} for all that take assignments
 * @param replicas how many processes there are
 * @param rowsPerSecond by layer
 */
public record GroupLoad(String version, String experts, int replicas, SortedMap<Integer, Double> rowsPerSecond) {}
