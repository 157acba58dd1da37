package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Rotary;

/**
 * The rotary part of {@code config.json}, in its newer form ({@code rope_parameters}) and its older one
 * ({@code rope_theta}, {@code rope_scaling}).
 */
final class RopeConfig {
  private RopeConfig() {}

  /**
   * The rotation of {@code dims} floats of each head.
   *
   * @throws io.expertmesh.model.failure.FailureException INVALID_CHECKPOINT if the scaling is not known
   */
  static Rotary of(ModelConfig config, Rotary.Layout layout, int dims) {
    config.requireAbsent("rope_scaling", "scaled rotary positions are not supported");
    config.requireAbsentOr("rope_parameters.rope_type", "default");
    float theta = config.positiveFloat(config.has("rope_parameters.rope_theta")
        ? "rope_parameters.rope_theta"
        : "rope_theta");
    float[] frequencies = new float[dims / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = 1f / (float) StrictMath.pow(theta, (float) (2 * i) / dims);
    }
    return new Rotary(layout, frequencies, 1f);
  }
}
