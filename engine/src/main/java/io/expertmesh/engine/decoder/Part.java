package io.expertmesh.engine.decoder;

import io.expertmesh.engine.experts.CallOrigin;
import io.expertmesh.engine.experts.DispatchPlan;
import io.expertmesh.engine.experts.ExpertCall;
import io.expertmesh.engine.watch.LayerWatch;
import io.expertmesh.engine.watch.StepWatch;
import io.expertmesh.model.decoder.Routing;
import io.expertmesh.model.failure.FailureException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Rows that go through the layers together, with their activations and the expert call that is under way for them. */
final class Part {
  private static final Logger LOG = LoggerFactory.getLogger(Part.class);

  /**
   * Experts at work.
   *
   * @param wanted where the model sends the rows
   * @param routing where they were sent
   * @param outputs (plan.rows, hidden), filled when the call has ended
   * @param missing experts that the routing avoids, each with the reason
   */
  record Dispatched(Routing wanted, Routing routing, DispatchPlan plan, float[] outputs, ExpertCall call,
      Map<Integer, String> missing) {}

  private final Rows rows;
  private final @Nullable StepWatch watch;
  private CallOrigin origin;
  private final Workspace space;
  private final List<Routing> routings = new ArrayList<>();
  private @Nullable Dispatched dispatched;

  Part(Step step, Rows rows, Workspace space) {
    this.rows = rows;
    this.watch = step.watch();
    this.origin = step.origin();
    this.space = space;
    space.fit(rows.count());
  }

  Rows rows() {
    return rows;
  }

  int count() {
    return rows.count();
  }

  Workspace space() {
    return space;
  }

  /** Where the rows went, by layer that is over. */
  List<Routing> routings() {
    return routings;
  }

  /** Tells whoever watches that the rows enter a layer. */
  void enter(int layer) {
    if (watch != null) {
      origin = origin.in(watch.layer(layer, count()));
    }
  }

  /** Tells whoever watches that the rows have left the layer. */
  void leave() {
    LayerWatch layer = origin.layer();
    if (layer != null) {
      layer.end();
      origin = origin.in(null);
    }
  }

  /** For whom experts are called. */
  CallOrigin origin() {
    return origin;
  }

  void dispatched(Dispatched call) {
    dispatched = call;
  }

  /** Hands over the call that is under way; whoever takes it waits for its end. */
  Dispatched takeDispatched() {
    Dispatched call = dispatched;
    if (call == null) {
      throw new IllegalStateException("no experts are at work for this part");
    }
    dispatched = null;
    return call;
  }

  /** Waits until nobody reads or writes the activations any more, when the step is given up. */
  void abandon() {
    Dispatched call = dispatched;
    dispatched = null;
    if (call != null) {
      try {
        call.call().await();
      } catch (FailureException alsoFailed) {
        LOG.debug("the experts of a step that is given up failed", alsoFailed);
      }
    }
    leave();
  }
}
