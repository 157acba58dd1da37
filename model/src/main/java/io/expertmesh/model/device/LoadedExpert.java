package io.expertmesh.model.device;

/** An expert of a layer that a device holds; only the device that loaded it knows what is in it. */
public interface LoadedExpert {
  /** Index of the block in the model. */
  int layer();

  /** The expert's id. */
  int id();
}
