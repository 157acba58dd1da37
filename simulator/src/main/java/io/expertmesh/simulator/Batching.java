package io.expertmesh.simulator;

/**
 * The limits of a gateway's continuous batching, as its scheduler has them.
 *
 * @param maxRunning requests in a step at most
 * @param stepRows rows of a step at most
 * @param promptRows rows of prompts beside requests that generate, at most
 */
public record Batching(int maxRunning, int stepRows, int promptRows) {
  /** Those of the engine. */
  public static final Batching ENGINE = new Batching(64, 512, 64);
}
