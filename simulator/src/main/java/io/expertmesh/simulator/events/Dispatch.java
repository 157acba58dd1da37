package io.expertmesh.simulator.events;

import io.expertmesh.simulator.Costs;
import io.expertmesh.simulator.Deployment;
import io.expertmesh.simulator.Sharing;
import io.expertmesh.simulator.placement.Groups;
import io.expertmesh.simulator.routing.Routing;
import java.util.Arrays;

/**
 * Makes messages of the rows of a layer and sends them: one to a replica of each group, in turn, or a part to each of
 * several where there is enough to compute.
 */
final class Dispatch {
  private static final int[] NONE = {};

  private final Costs costs;
  private final int stateBytes;
  private final Routing routing;
  private final Groups groups;
  private final Agenda agenda;
  private final Messages messages;
  private final Parts parts;
  /** By group: its experts, and its first replica. */
  private final int[][] members;
  private final int[] firstReplica;
  /** By expert: which of its group's it is. */
  private final int[] memberOf;

  /** By group, of the layer that is being sent: the message with all its rows, or those with a part each. */
  private final int[] whole;
  private final int[][] divided;
  /** Groups that have rows. */
  private final int[] called;
  private int calledCount;
  private int sent;

  Dispatch(Deployment deployment, Agenda agenda, Messages messages) {
    this.costs = deployment.costs();
    this.stateBytes = deployment.stateBytes();
    this.routing = deployment.routing();
    this.groups = deployment.groups();
    this.agenda = agenda;
    this.messages = messages;
    this.parts = new Parts(groups.experts());
    int count = groups.count();
    members = new int[count][];
    firstReplica = new int[count + 1];
    memberOf = new int[groups.experts()];
    for (int group = 0; group < count; group++) {
      firstReplica[group + 1] = firstReplica[group] + deployment.replicas()[group];
      members[group] = groups.members(group);
      for (int member = 0; member < members[group].length; member++) {
        memberOf[members[group][member]] = member;
      }
    }
    whole = new int[count];
    Arrays.fill(whole, Messages.NONE);
    divided = new int[count][];
    Arrays.fill(divided, NONE);
    called = new int[count];
  }

  /**
   * Sends the rows of {@code plan} in {@code layer}. Returns when the gateway has sent the last message.
   *
   * @param rotation which of a group's replicas is next
   * @param begin when the gateway begins to send
   */
  double send(int gateway, int layer, StepPlan plan, int rotation, double begin) {
    address(layer, plan);
    if (wantsParts()) {
      divide(layer, plan);
    }
    double end = begin;
    sent = 0;
    for (int i = 0; i < calledCount; i++) {
      int group = called[i];
      int count = Math.max(1, divided[group].length);
      for (int part = 0; part < count; part++) {
        int message = divided[group].length == 0 ? whole[group] : divided[group][part];
        messages.replica[message] = firstReplica[group] + Math.floorMod(rotation + part, replicas(group));
        messages.gateway[message] = gateway;
        messages.layer[message] = layer;
        double bytes = (double) messages.tokens[message] * stateBytes;
        end += costs.send(bytes);
        agenda.add(end + costs.travel(bytes), Agenda.Event.MESSAGE, message);
      }
      sent += count;
      whole[group] = Messages.NONE;
      divided[group] = NONE;
    }
    return end;
  }

  /** Messages that were sent last. */
  int sent() {
    return sent;
  }

  private int replicas(int group) {
    return firstReplica[group + 1] - firstReplica[group];
  }

  /** Makes a message for each group that the rows chose. */
  private void address(int layer, StepPlan plan) {
    calledCount = 0;
    for (int row = 0; row < plan.rows; row++) {
      for (int rank = 0; rank < routing.topK(); rank++) {
        int expert = routing.expert(layer, plan.rowTokens[row], rank);
        if (expert < 0) {
          continue;
        }
        int group = groups.of(expert);
        if (whole[group] == Messages.NONE) {
          whole[group] = messages.take();
          called[calledCount++] = group;
        }
        messages.add(whole[group], row, memberOf[expert]);
      }
    }
  }

  /** Whether any group has so much to compute that several replicas shall do it. */
  private boolean wantsParts() {
    for (int i = 0; i < calledCount; i++) {
      if (parts(called[i]) > 1) {
        return true;
      }
    }
    return false;
  }

  private int parts(int group) {
    int message = whole[group];
    return replicas(group) == 1
        ? 1
        : Sharing.parts(costs.compute(messages.expertsOf(message), messages.rows[message]), replicas(group));
  }

  /** Makes a message for each part of the groups that want several, in place of the one. */
  private void divide(int layer, StepPlan plan) {
    parts.clear();
    for (int row = 0; row < plan.rows; row++) {
      for (int rank = 0; rank < routing.topK(); rank++) {
        int expert = routing.expert(layer, plan.rowTokens[row], rank);
        if (expert >= 0) {
          parts.count(expert);
        }
      }
    }
    for (int i = 0; i < calledCount; i++) {
      int group = called[i];
      int used = parts.divide(members[group], parts(group), replicas(group));
      if (used > 1) {
        divided[group] = new int[used];
        for (int part = 0; part < used; part++) {
          divided[group][part] = messages.take();
        }
        messages.giveBack(whole[group]);
      }
    }
    for (int row = 0; row < plan.rows; row++) {
      for (int rank = 0; rank < routing.topK(); rank++) {
        int expert = routing.expert(layer, plan.rowTokens[row], rank);
        if (expert >= 0 && divided[groups.of(expert)].length > 0) {
          messages.add(divided[groups.of(expert)][parts.next(expert)], row, memberOf[expert]);
        }
      }
    }
  }
}
