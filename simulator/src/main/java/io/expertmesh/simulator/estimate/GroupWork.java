package io.expertmesh.simulator.estimate;

import io.expertmesh.simulator.Costs;
import io.expertmesh.simulator.Sharing;

/**
 * What a layer of a step asks of a group, on average.
 *
 * @param called how likely the group has rows at all
 * @param parts messages, one to a replica each, if it has
 * @param answerSeconds from the largest of them to its answer, if no replica were busy; 0 if the group is never called
 * @param bytes of all messages and answers, whether it is called or not
 * @param seconds of all replicas together, whether it is called or not
 */
record GroupWork(double called, double parts, double answerSeconds, double bytes, double seconds) {
  private static final GroupWork NONE = new GroupWork(0, 1, 0, 0, 0);

  /** @param rows of the step */
  static GroupWork of(Costs costs, int stateBytes, Occupancy occupancy, int group, double rows, int replicas) {
    double called = occupancy.called(group, rows);
    if (called == 0) {
      return NONE;
    }
    double experts = occupancy.experts(group, rows) / called;
    double groupRows = occupancy.rowShare[group] * rows / called;
    double seconds = experts * costs.expertRead() + groupRows * costs.expertRow();
    double parts = Sharing.meanParts(seconds, replicas);
    double largest = seconds / parts;
    if (groupRows / replicas < Sharing.ROWS_WORTH_READING) {
      // No expert is cut, so there are no more parts than experts, and one of them has the busiest expert.
      parts = Math.clamp(parts, 1, Math.max(1, experts));
      double busiest = costs.expertRead() + occupancy.busiestShare[group] * rows / called * costs.expertRow();
      largest = Math.min(seconds, Math.max(seconds / parts, busiest));
    }
    double there = stateBytes * states(occupancy.tokenShare[group] * rows / called, groupRows, experts, parts);
    double back = stateBytes * groupRows;
    double answer = costs.travel(there / parts) + costs.travel(back / parts) + costs.expertMessage()
        + (there + back) / parts * costs.messageByte() + largest;
    return new GroupWork(called, parts, answer, called * (there + back),
        called * (parts * costs.expertMessage() + (there + back) * costs.messageByte() + seconds));
  }

  /**
   * Of all parts: each token's once if there is one part, once for each of its rows if every expert is in a part of its
   * own.
   */
  private static double states(double tokens, double rows, double experts, double parts) {
    double apart = experts > 1 ? Math.min(1, (parts - 1) / (experts - 1)) : 0;
    return tokens + apart * (rows - tokens);
  }

  /** Messages, on average. */
  double sent() {
    return called * parts;
  }
}
