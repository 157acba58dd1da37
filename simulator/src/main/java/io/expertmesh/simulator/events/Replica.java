package io.expertmesh.simulator.events;

import io.expertmesh.simulator.Deployment;

/**
 * A process that holds a group's experts. It computes one batch after the other: the message that waited longest and
 * all others of the same layer, so that weights are read once for all of them.
 */
final class Replica implements Cores.SingleThread {
  final int group;
  private final int number;
  private final Deployment deployment;
  private final Agenda agenda;
  private final Cores cores;
  private final Messages messages;
  private final Tally tally;
  /** Messages that wait, in the order in which they came. */
  private final Chain queue;
  /** Messages that are computed; empty while it waits for a core. */
  private final Chain batch;
  /** Whether it computes or waits for a core. */
  private boolean busy;
  private double since;

  Replica(int number, int group, Deployment deployment, Agenda agenda, Cores cores, Messages messages, Tally tally) {
    this.number = number;
    this.group = group;
    this.deployment = deployment;
    this.agenda = agenda;
    this.cores = cores;
    this.messages = messages;
    this.tally = tally;
    this.queue = new Chain(messages);
    this.batch = new Chain(messages);
  }

  void receive(int message, double now) {
    messages.arrived[message] = now;
    queue.add(message);
    if (!busy) {
      busy = true;
      cores.claim(this, now);
    }
  }

  /** Begins with a batch. */
  @Override
  public void compute(double now) {
    int message = queue.takeAll();
    int layer = messages.layer[message];
    int count = 0;
    int rows = 0;
    double bytes = 0;
    double waits = 0;
    while (message != Messages.NONE) {
      int following = messages.next[message];
      if (messages.layer[message] == layer) {
        batch.add(message);
        count++;
        rows += messages.rows[message];
        bytes += (double) messages.tokens[message] * deployment.stateBytes() + answerBytes(message);
        waits += now - messages.arrived[message];
      } else {
        queue.add(message);
      }
      message = following;
    }
    since = now;
    tally.batch(rows, waits, now);
    agenda.add(now + deployment.costs().batch(count, bytes, messages.experts(batch.first()), rows),
        Agenda.Event.COMPUTED, number);
  }

  private double answerBytes(int message) {
    return (double) messages.rows[message] * deployment.stateBytes();
  }

  /** The batch is computed: its answers are on their way. */
  void computed(Gateway[] gateways, double now) {
    tally.computed(group, since, now);
    int message = batch.takeAll();
    while (message != Messages.NONE) {
      int following = messages.next[message];
      double bytes = answerBytes(message);
      gateways[messages.gateway[message]].answerComes(bytes, now + deployment.costs().travel(bytes));
      messages.giveBack(message);
      message = following;
    }
    cores.release(now);
    if (queue.isEmpty()) {
      busy = false;
    } else {
      cores.claim(this, now);
    }
  }

  /** Counts what it has computed of a batch that the end of the simulation cuts off. */
  void stop(double end) {
    if (!batch.isEmpty()) {
      tally.computed(group, since, end);
    }
  }
}
