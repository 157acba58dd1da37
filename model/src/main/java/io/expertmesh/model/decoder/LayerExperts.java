package io.expertmesh.model.decoder;

import org.jspecify.annotations.Nullable;

/** The experts of one layer by id: all of them, or only those that this process holds. */
public final class LayerExperts {
  private final @Nullable FeedForwardWeights[] byId;

  /**
   * @param byId null for those that are not held
   */
  public LayerExperts(@Nullable FeedForwardWeights[] byId) {
    this.byId = byId.clone();
  }

  public boolean holds(int id) {
    return byId[id] != null;
  }

  /**
   * The weights of expert {@code id}.
   *
   * @throws IllegalStateException if it is not held
   */
  public FeedForwardWeights get(int id) {
    FeedForwardWeights expert = byId[id];
    if (expert == null) {
      throw new IllegalStateException("the weights of expert %d are not held in this process".formatted(id));
    }
    return expert;
  }
}
