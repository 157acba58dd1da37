package io.expertmesh.model.architecture;

import java.util.List;
import java.util.Optional;

/**
 * One layer: residual branches, one after the other, at most one of them a mixture of experts.
 */
public record Block(List<Residual> residuals) {
  public Block {
    residuals = List.copyOf(residuals);
    if (residuals.stream().filter(residual -> residual.operation() instanceof MixtureOfExperts).count() > 1) {
      throw new IllegalArgumentException("a block has at most one mixture of experts");
    }
  }

  /** The usual block: {@code x += attention(norm(x)); x += feedForward(norm(x))}. */
  public static Block preNorm(Norm norm, Operation attention, Operation feedForward) {
    return new Block(List.of(Residual.preNorm(norm, attention), Residual.preNorm(norm, feedForward)));
  }

  /** The block's mixture of experts, if it has one. */
  public Optional<MixtureOfExperts> mixture() {
    return residuals.stream().map(Residual::operation).filter(MixtureOfExperts.class::isInstance)
        .map(MixtureOfExperts.class::cast).findFirst();
  }

}
