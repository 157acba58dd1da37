package io.expertmesh.simulator.events;

import io.expertmesh.simulator.Costs;
import io.expertmesh.simulator.Deployment;
import io.expertmesh.simulator.Workload;
import io.expertmesh.simulator.routing.Routing;
import java.util.Arrays;

/** A gateway with all experts in itself: a step is one computation. */
final class WholeWorker extends Gateway {
  private final boolean[] visited;

  WholeWorker(int number, Deployment deployment, Workload workload, Agenda agenda, Cores cores, Tally tally) {
    super(number, deployment, workload, agenda, cores, tally);
    visited = new boolean[deployment.routing().experts()];
  }

  @Override
  void prepare() {
    // nothing is left of the step before
  }

  @Override
  public void compute(double now) {
    Routing routing = deployment.routing();
    Costs costs = deployment.costs();
    double seconds = 0;
    for (int layer = 0; layer < routing.layers(); layer++) {
      int rows = 0;
      int experts = 0;
      Arrays.fill(visited, false);
      for (int row = 0; row < plan.rows; row++) {
        for (int rank = 0; rank < routing.topK(); rank++) {
          int expert = routing.expert(layer, plan.rowTokens[row], rank);
          if (expert >= 0) {
            rows++;
            experts += visited[expert] ? 0 : 1;
            visited[expert] = true;
          }
        }
      }
      tally.ownRows(rows, now);
      seconds += costs.dense(plan.rows) + costs.compute(experts, rows);
    }
    agenda.add(now + seconds, Agenda.Event.ANSWERED, number);
    computesUntil(now + seconds);
  }

  @Override
  void answerComes(double bytes, double arrival) {
    throw new IllegalStateException("a whole worker asks nobody");
  }

  @Override
  void answered(double now) {
    finishStep(now);
  }
}
