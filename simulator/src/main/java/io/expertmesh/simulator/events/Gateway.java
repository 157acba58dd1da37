package io.expertmesh.simulator.events;

import io.expertmesh.simulator.Deployment;
import io.expertmesh.simulator.Workload;

/**
 * A process that takes requests, one step after the other. What a step is made of differs between those whose experts
 * are elsewhere and whole workers.
 */
abstract sealed class Gateway implements Cores.SingleThread permits MeshGateway, WholeWorker {
  final int number;
  final Deployment deployment;
  final StepPlan plan;
  final Agenda agenda;
  final Cores cores;
  final Tally tally;
  private final Workload workload;
  private boolean busy;

  Gateway(int number, Deployment deployment, Workload workload, Agenda agenda, Cores cores, Tally tally) {
    this.number = number;
    this.deployment = deployment;
    this.workload = workload;
    this.plan = new StepPlan(deployment.batching());
    this.agenda = agenda;
    this.cores = cores;
    this.tally = tally;
  }

  /** Begins a step, if it is not in one and there is work. */
  final void begin(double now) {
    if (busy || !plan.plan(deployment.routing().tokens())) {
      return;
    }
    busy = true;
    prepare();
    cores.claim(this, now);
  }

  /** A step begins. */
  abstract void prepare();

  /** An answer of a replica, of so many bytes, will be here at {@code arrival}. */
  abstract void answerComes(double bytes, double arrival);

  /** All that it waited for is there. */
  abstract void answered(double now);

  /** It needs no core from {@code end} on. */
  final void computesUntil(double end) {
    if (cores.areShared()) {
      agenda.add(end, Agenda.Event.CORE_FREE, 0);
    }
  }

  /** All layers are computed: those that generate, or have read all of the prompt, have another token. */
  final void finishStep(double now) {
    tally.step(plan.rows, now);
    boolean over = false;
    for (Request request : plan.running) {
      if (request.rows == 0) {
        continue;
      }
      if (request.promptLeft > 0) {
        request.promptLeft -= request.rows;
        if (request.promptLeft > 0) {
          continue;
        }
      }
      tally.token(request, now);
      request.generated++;
      request.lastToken = now;
      over |= request.generated >= workload.generatedTokens();
    }
    if (over) {
      plan.running.removeIf(request -> request.generated >= workload.generatedTokens());
    }
    busy = false;
    begin(now);
  }
}
