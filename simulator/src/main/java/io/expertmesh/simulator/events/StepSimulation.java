package io.expertmesh.simulator.events;

import io.expertmesh.simulator.Deployment;
import io.expertmesh.simulator.Workload;
import io.expertmesh.simulator.events.Agenda.Event;
import io.expertmesh.simulator.routing.Routing;
import java.util.SplittableRandom;

/**
 * A cluster, event by event. The way of a token: a request comes to a {@link Gateway}, where a {@link StepPlan} puts it
 * into a step; in each layer {@link Dispatch} sends its rows to a {@link Replica} of each group that they chose; the
 * gateway waits for all answers and goes on, until the last layer gives the token. Where processes share {@link Cores},
 * each computation waits for a free one.
 *
 * <p>The same seed gives the same result. For one run and one thread.
 */
public final class StepSimulation {
  private final Deployment deployment;
  private final Routing routing;
  private final Workload workload;
  private final SplittableRandom random;
  private final Agenda agenda = new Agenda();
  private final Messages messages;
  private final Cores cores;
  private final Tally tally;
  private final Gateway[] gateways;
  private final Replica[] replicas;
  private double requestsPerSecond;

  public StepSimulation(Deployment deployment, Workload workload, long seed) {
    this.deployment = deployment;
    this.routing = deployment.routing();
    this.workload = workload;
    this.random = new SplittableRandom(seed);
    this.messages = new Messages(deployment.groups().largest());
    this.cores = new Cores(deployment.sharedCores());
    this.tally = new Tally(deployment.groups().count());
    this.gateways = gateways();
    this.replicas = replicas();
  }

  private Gateway[] gateways() {
    Gateway[] all = new Gateway[deployment.gateways()];
    Dispatch dispatch = new Dispatch(deployment, agenda, messages);
    for (int i = 0; i < all.length; i++) {
      int rotation = random.nextInt(1 << 20);
      all[i] = deployment.local()
          ? new WholeWorker(i, deployment, workload, agenda, cores, tally)
          : new MeshGateway(i, deployment, workload, agenda, cores, tally, dispatch, rotation);
    }
    return all;
  }

  private Replica[] replicas() {
    Replica[] all = new Replica[deployment.expertPods()];
    int number = 0;
    for (int group = 0; number < all.length; group++) {
      for (int end = number + deployment.replicas()[group]; number < end; number++) {
        all[number] = new Replica(number, group, deployment, agenda, cores, messages, tally);
      }
    }
    return all;
  }

  /**
   * Requests that come at random (Poisson), to gateways at random.
   *
   * @param requestsPerSecond to all gateways together
   * @param running requests that each gateway is in the midst of at the beginning
   * @param warmUp seconds before the window
   * @param window seconds that are looked at
   */
  public Outcome run(double requestsPerSecond, double running, double warmUp, double window) {
    this.requestsPerSecond = requestsPerSecond;
    double end = warmUp + window;
    tally.window(warmUp, window);
    for (Gateway gateway : gateways) {
      int count = (int) (running + random.nextDouble());
      for (int j = 0; j < count; j++) {
        Request request = new Request(0, routing.start(random), 0);
        request.generated = 1 + random.nextInt(workload.generatedTokens());
        gateway.plan.waiting.add(request);
      }
      // Not all at once, or their steps would stay in time with each other.
      agenda.add(random.nextDouble() * Math.min(warmUp, 0.1), Event.BEGIN, gateway.number);
    }
    if (requestsPerSecond > 0) {
      agenda.add(gap(), Event.ARRIVAL, 0);
    }
    runUntil(end);
    int waiting = 0;
    for (Gateway gateway : gateways) {
      waiting += gateway.plan.waiting.size();
    }
    for (Replica replica : replicas) {
      replica.stop(end);
    }
    return tally.outcome(deployment.replicas(), waiting, agenda.count());
  }

  /** So many requests at the same moment, and nothing after. */
  public BatchOutcome batch(int requests) {
    tally.keepTimes(requests * workload.generatedTokens());
    for (int i = 0; i < requests; i++) {
      gateways[i % gateways.length].plan.waiting
          .add(new Request(0, routing.start(random), workload.promptTokens()));
    }
    for (Gateway gateway : gateways) {
      agenda.add(0, Event.BEGIN, gateway.number);
    }
    runUntil(Double.MAX_VALUE);
    return tally.batchOutcome((double) requests * workload.promptTokens());
  }

  private double gap() {
    return -Math.log(1 - random.nextDouble()) / requestsPerSecond;
  }

  private void runUntil(double limit) {
    while (agenda.next(limit)) {
      double now = agenda.now();
      int number = agenda.number();
      switch (agenda.event()) {
        case ARRIVAL -> arrive(now);
        case BEGIN -> gateways[number].begin(now);
        case ANSWERED -> gateways[number].answered(now);
        case MESSAGE -> replicas[messages.replica[number]].receive(number, now);
        case COMPUTED -> replicas[number].computed(gateways, now);
        case CORE_FREE -> cores.release(now);
      }
    }
  }

  private void arrive(double now) {
    Gateway gateway = gateways[random.nextInt(gateways.length)];
    gateway.plan.waiting.add(new Request(now, routing.start(random), workload.promptTokens()));
    gateway.begin(now);
    agenda.add(now + gap(), Event.ARRIVAL, 0);
  }
}
