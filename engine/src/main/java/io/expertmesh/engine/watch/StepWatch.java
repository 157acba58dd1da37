package io.expertmesh.engine.watch;

/** Watches one step of the decoder. On the engine's thread. */
public interface StepWatch {
  /**
   * A layer begins: what is computed after the mixture of experts before, and the mixture itself. Layers of different
   * parts of the step overlap.
   *
   * @param layer index of the mixture's block
   * @param rows of the part of the step that enters it
   */
  LayerWatch layer(int layer, int rows);

  /** The step is over, or was given up. */
  void end();
}
