package io.expertmesh.simulator.events;

import io.expertmesh.simulator.Deployment;
import io.expertmesh.simulator.placement.Groups;
import io.expertmesh.simulator.routing.Routing;
import java.util.Arrays;

/** Makes messages of the rows of a layer and sends them: one to a replica of each group, in turn. */
final class Dispatch {
  private final Deployment deployment;
  private final Routing routing;
  private final Groups groups;
  private final Agenda agenda;
  private final Messages messages;
  /** By group: its first replica. */
  private final int[] firstReplica;
  /** By expert: which of its group's it is. */
  private final int[] memberOf;

  /** By group, of the layer that is being sent. */
  private final int[] messageOf;
  private final int[] lastRow;
  private final int[] tokens;
  /** Groups that have rows. */
  private final int[] called;

  Dispatch(Deployment deployment, Agenda agenda, Messages messages) {
    this.deployment = deployment;
    this.routing = deployment.routing();
    this.groups = deployment.groups();
    this.agenda = agenda;
    this.messages = messages;
    int count = groups.count();
    firstReplica = new int[count + 1];
    memberOf = new int[groups.experts()];
    for (int group = 0; group < count; group++) {
      firstReplica[group + 1] = firstReplica[group] + deployment.replicas()[group];
      int[] members = groups.members(group);
      for (int member = 0; member < members.length; member++) {
        memberOf[members[member]] = member;
      }
    }
    messageOf = new int[count];
    Arrays.fill(messageOf, Messages.NONE);
    lastRow = new int[count];
    Arrays.fill(lastRow, -1);
    tokens = new int[count];
    called = new int[count];
  }

  /**
   * Sends the rows of {@code plan} in {@code layer}. Returns how many messages there are.
   *
   * @param rotation which of a group's replicas is next
   * @param seconds that the gateway computes from {@code now} on before it sends the first one
   */
  int send(int gateway, int layer, StepPlan plan, int rotation, double now, double seconds) {
    int count = address(layer, plan);
    double busy = seconds;
    for (int i = 0; i < count; i++) {
      int group = called[i];
      int message = messageOf[group];
      busy += deployment.costs().gatewaySend();
      int replicas = firstReplica[group + 1] - firstReplica[group];
      messages.replica[message] = firstReplica[group] + Math.floorMod(rotation, replicas);
      messages.gateway[message] = gateway;
      messages.layer[message] = layer;
      agenda.add(now + busy + deployment.costs().travel((double) tokens[group] * deployment.stateBytes()),
          Agenda.Event.MESSAGE, message);
      messageOf[group] = Messages.NONE;
      lastRow[group] = -1;
      tokens[group] = 0;
    }
    return count;
  }

  /** Makes a message for each group that the rows chose. Returns how many. */
  private int address(int layer, StepPlan plan) {
    int count = 0;
    for (int row = 0; row < plan.rows; row++) {
      for (int rank = 0; rank < routing.topK(); rank++) {
        int expert = routing.expert(layer, plan.rowTokens[row], rank);
        if (expert < 0) {
          continue;
        }
        int group = groups.of(expert);
        int message = messageOf[group];
        if (message == Messages.NONE) {
          message = messages.take();
          messages.rows[message] = 0;
          messageOf[group] = message;
          called[count++] = group;
        }
        messages.rows[message]++;
        messages.setExpert(message, memberOf[expert]);
        if (lastRow[group] != row) {
          lastRow[group] = row;
          tokens[group]++;
        }
      }
    }
    return count;
  }
}
