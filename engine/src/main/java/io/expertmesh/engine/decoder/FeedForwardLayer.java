package io.expertmesh.engine.decoder;

import io.expertmesh.model.decoder.FeedForwardRunner;
import io.expertmesh.model.decoder.FeedForwardWeights;
import java.util.List;

/** The dense feed-forward network of one layer. */
final class FeedForwardLayer implements DenseLayer {
  private final List<FeedForwardWeights> network;
  private final FeedForwardRunner runner;

  FeedForwardLayer(FeedForwardWeights network, FeedForwardRunner runner) {
    this.network = List.of(network);
    this.runner = runner;
  }

  @Override
  public void forward(Rows rows, Workspace space) {
    runner.forward(network, new int[]{0, rows.count()}, space.normed(), space.delta());
  }
}
