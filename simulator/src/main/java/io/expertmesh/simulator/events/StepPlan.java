package io.expertmesh.simulator.events;

import io.expertmesh.simulator.Batching;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/**
 * The requests in a gateway and the rows of its next step: continuous batching with the rules of the engine's
 * scheduler, those that generate first, prompts with what is left.
 */
final class StepPlan {
  final Deque<Request> waiting = new ArrayDeque<>();
  final List<Request> running = new ArrayList<>();
  /** Tokens of the routing that are in the step, one a row. */
  int[] rowTokens = new int[64];
  int rows;

  private final Batching batching;

  StepPlan(Batching batching) {
    this.batching = batching;
  }

  /** Decides what is in the next step. False if there is nothing to do. */
  boolean plan(int routingTokens) {
    while (!waiting.isEmpty() && running.size() < batching.maxRunning()) {
      running.add(waiting.remove());
    }
    rows = 0;
    for (Request request : running) {
      boolean generates = request.promptLeft == 0;
      request.rows = generates ? 1 : 0;
      if (generates) {
        add(request, 1, routingTokens);
      }
    }
    int budget = rows == 0 ? batching.stepRows() : Math.min(batching.stepRows(), rows + batching.promptRows());
    for (Request request : running) {
      if (request.promptLeft > 0 && rows < budget) {
        request.rows = Math.min(request.promptLeft, budget - rows);
        add(request, request.rows, routingTokens);
      }
    }
    return rows > 0;
  }

  private void add(Request request, int count, int routingTokens) {
    if (rows + count > rowTokens.length) {
      rowTokens = Arrays.copyOf(rowTokens, 2 * (rows + count));
    }
    int position = request.position;
    for (int i = 0; i < count; i++) {
      rowTokens[rows++] = position;
      position = position + 1 == routingTokens ? 0 : position + 1;
    }
    request.position = position;
  }
}
