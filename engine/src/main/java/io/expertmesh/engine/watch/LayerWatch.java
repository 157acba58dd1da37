package io.expertmesh.engine.watch;

/** Watches one layer of one step. On the engine's thread. */
public interface LayerWatch {
  /** The rows have left the layer, or the step was given up. */
  void end();
}
