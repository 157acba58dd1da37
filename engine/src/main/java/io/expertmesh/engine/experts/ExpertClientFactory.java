package io.expertmesh.engine.experts;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.family.ModelFingerprint;

/** Finds a model's experts in other processes. */
@FunctionalInterface
public interface ExpertClientFactory {
  /**
   * Closing what it returns is the business of whoever made the factory.
   *
   * @param fingerprint of the model that is served, with the digests of all experts
   */
  ExpertClient open(Architecture model, ModelFingerprint fingerprint);
}
