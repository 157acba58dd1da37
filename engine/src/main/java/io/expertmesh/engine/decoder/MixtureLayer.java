package io.expertmesh.engine.decoder;

import io.expertmesh.engine.decoder.Part.Dispatched;
import io.expertmesh.engine.experts.Combiner;
import io.expertmesh.engine.experts.DispatchPlan;
import io.expertmesh.engine.experts.ExpertCall;
import io.expertmesh.engine.experts.ExpertCall.LostExpert;
import io.expertmesh.engine.experts.ExpertClient;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.decoder.DecoderWeights.MoeWeights;
import io.expertmesh.model.decoder.FeedForwardRunner;
import io.expertmesh.model.decoder.FeedForwardWeights;
import io.expertmesh.model.decoder.Gate;
import io.expertmesh.model.decoder.Routing;
import io.expertmesh.model.decoder.SharedExperts;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Gate, dispatch, experts and combine of one layer, in two halves: between them the experts are at work. */
final class MixtureLayer {
  private final int layer;
  private final MixtureOfExperts moe;
  private final Gate gate;
  private final ExpertClient experts;
  private final Combiner combiner;
  private final Kernels kernels;
  private final WorkerPool pool;
  private final int hiddenSize;
  private final MoeWeights weights;
  private final FeedForwardRunner runner;

  /**
   * @param layer index of the block
   */
  MixtureLayer(int layer, MixtureOfExperts moe, MoeWeights weights, int hiddenSize, ExpertClient experts,
      FeedForwardRunner runner, Kernels kernels, WorkerPool pool) {
    this.layer = layer;
    this.moe = moe;
    this.weights = weights;
    this.gate = new Gate(moe, weights.gate(), kernels);
    this.experts = experts;
    this.combiner = new Combiner(kernels, pool);
    this.runner = runner;
    this.kernels = kernels;
    this.pool = pool;
    this.hiddenSize = hiddenSize;
  }

  /** Index of the block. */
  int number() {
    return layer;
  }

  /** Routes the part's normalised rows, sends them to their experts and computes the shared expert meanwhile. */
  void start(Part part, MissingExperts policies) {
    Routing wanted = gate.newRouting(part.count());
    float[] normed = part.space().normed();
    pool.ranges(part.count(), 4, (from, to, worker) -> {
      for (int row = from; row < to; row++) {
        gate.route(normed, row, wanted);
      }
    });
    for (int row = 0; row < part.count(); row++) {
      int prompt = part.rows().promptRows(row);
      if (prompt > 0) {
        gate.limit(wanted, row, row + prompt);
      }
    }
    dispatch(part, policies, wanted, unavailable());
    FeedForwardWeights shared = weights.shared();
    if (shared != null) {
      runner.forward(List.of(shared), new int[]{0, part.count()}, normed, part.space().sharedOutput());
    }
  }

  /** Waits for the experts; the part's delta is then the weighted sum of their outputs. */
  void finish(Part part, MissingExperts policies) {
    Dispatched done = part.takeDispatched();
    List<LostExpert> lost = done.call().await();
    while (!lost.isEmpty()) { // ends at the latest when every expert is lost
      dispatch(part, policies, done.wanted(), with(lost, done.missing()));
      done = part.takeDispatched();
      lost = done.call().await();
    }
    combiner.combine(done.plan(), done.routing(), done.outputs(), hiddenSize, part.space().delta());
    if (weights.shared() != null) {
      addShared(part);
    }
    part.routings().add(done.routing());
  }

  private void addShared(Part part) {
    float[] shared = part.space().sharedOutput();
    float[] delta = part.space().delta();
    pool.ranges(part.count(), 4, (from, to, worker) -> {
      for (int row = from; row < to; row++) {
        float weight = SharedExperts.weight(weights.sharedGate(), kernels, part.space().normed(), row);
        kernels.addScaled(delta, row * hiddenSize, shared, row * hiddenSize, weight, hiddenSize);
      }
    });
  }

  private void dispatch(Part part, MissingExperts policies, Routing wanted, Map<Integer, String> missing) {
    float[] normed = part.space().normed();
    Routing routing = policies.resolve(layer, part.rows(), gate, normed, missing, wanted);
    DispatchPlan plan = DispatchPlan.of(routing, moe.experts());
    float[] outputs = part.space().expertOutputs(plan.rows());
    ExpertCall call = plan.rows() == 0 ? List::of : experts.forward(layer, plan, normed, outputs, part.origin());
    part.dispatched(new Dispatched(wanted, routing, plan, outputs, call, missing));
  }

  private Map<Integer, String> unavailable() {
    Set<Integer> unavailable = experts.unavailable();
    if (unavailable.isEmpty()) {
      return Map.of();
    }
    Map<Integer, String> missing = new HashMap<>();
    for (int expert : unavailable) {
      missing.put(expert, "no live process holds it");
    }
    return missing;
  }

  private static Map<Integer, String> with(List<LostExpert> lost, Map<Integer, String> missing) {
    Map<Integer, String> all = new HashMap<>(missing);
    for (LostExpert expert : lost) {
      all.putIfAbsent(expert.expertId(), expert.reason());
    }
    if (all.size() == missing.size()) {
      throw new IllegalStateException("experts were lost that nobody asked for: " + lost);
    }
    return all;
  }
}
