package io.expertmesh.simulator.events;

import io.expertmesh.simulator.Costs;
import io.expertmesh.simulator.Deployment;
import io.expertmesh.simulator.Workload;

/** A gateway whose experts are elsewhere: it goes through the layers, and waits in each for all answers. */
final class MeshGateway extends Gateway {
  private final Dispatch dispatch;
  /** That it computes or waits for; as many as there are once it takes in the last answers. */
  private int layer;
  /** Answers that the layer waits for, the time of the latest, and how many there are to take in and their bytes. */
  private int pending;
  private double latestAnswer;
  private int answers;
  private double answerBytes;
  /** Which replica is next. */
  private int rotation;

  MeshGateway(int number, Deployment deployment, Workload workload, Agenda agenda, Cores cores, Tally tally,
      Dispatch dispatch, int rotation) {
    super(number, deployment, workload, agenda, cores, tally);
    this.dispatch = dispatch;
    this.rotation = rotation;
  }

  @Override
  void prepare() {
    layer = 0;
    answers = 0;
    answerBytes = 0;
  }

  /** Takes in the answers of the layer before; unless it was the last, computes up to the gate and sends. */
  @Override
  public void compute(double now) {
    Costs costs = deployment.costs();
    double taken = now + costs.receive(answers, answerBytes);
    if (layer == deployment.routing().layers()) {
      agenda.add(taken, Agenda.Event.ANSWERED, number);
      computesUntil(taken);
      return;
    }
    double end = dispatch.send(number, layer, plan, rotation++, taken + costs.dense(plan.rows));
    answers = dispatch.sent();
    answerBytes = 0;
    pending = answers;
    latestAnswer = end;
    tally.messages(answers, now);
    if (answers == 0) {
      agenda.add(end, Agenda.Event.ANSWERED, number);
    }
    computesUntil(end);
  }

  @Override
  void answerComes(double bytes, double arrival) {
    answerBytes += bytes;
    latestAnswer = Math.max(latestAnswer, arrival);
    if (--pending == 0) {
      agenda.add(latestAnswer, Agenda.Event.ANSWERED, number);
    }
  }

  @Override
  void answered(double now) {
    if (layer == deployment.routing().layers()) {
      finishStep(now);
    } else {
      layer++;
      cores.claim(this, now);
    }
  }
}
