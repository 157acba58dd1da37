package io.expertmesh.simulator.events;

import io.expertmesh.simulator.Costs;
import io.expertmesh.simulator.Deployment;
import io.expertmesh.simulator.Workload;
import io.expertmesh.simulator.placement.Groups;
import io.expertmesh.simulator.routing.Routing;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * A cluster, event by event. A gateway's step goes through the layers: it computes, sends one message to a replica of
 * each group that its rows chose (the next in turn), waits for all answers, goes on. A replica computes one batch after
 * the other: the message that waited longest and all others of the same layer. Where processes share cores, each
 * computation waits for a free one, first come, first served.
 *
 * <p>The same seed gives the same result. For one run and one thread.
 */
public final class StepSimulation {
  private static final int KIND_SHIFT = 32;
  private static final long ARRIVAL = 0;
  private static final long START = 1;
  private static final long ANSWERED = 2;
  private static final long MESSAGE = 3;
  private static final long COMPUTED = 4;
  private static final long CORE_FREE = 5;

  private final Deployment deployment;
  private final Costs costs;
  private final Routing routing;
  private final Groups groups;
  private final Workload workload;
  private final SplittableRandom random;
  private final EventHeap events = new EventHeap();
  private final Gateway[] gateways;
  private final Messages messages;
  private final Cores cores;

  /** By group: its first replica. */
  private final int[] firstReplica;
  private final int[] groupOfReplica;
  private final int[] memberOf;
  private final int[] queueHead;
  private final int[] queueTail;
  private final int[] batchHead;
  private final boolean[] replicaBusy;
  private final double[] busySince;
  private final double[] groupSeconds;

  /** Of the layer that is being sent. */
  private final int[] messageOf;
  private final int[] lastToken;
  private final int[] tokensOf;
  private final int[] touched;
  private final boolean[] visited;

  private double now;
  private double requestsPerSecond;
  private double windowStart;
  private double windowEnd = Double.POSITIVE_INFINITY;
  private double lastFirstToken;
  private double end;
  private double[] tokenTimes = new double[0];
  private final Distribution timePerToken = new Distribution();
  private final Distribution timeToFirstToken = new Distribution();
  private long tokens;
  private long firstTokens;
  private long steps;
  private long stepRows;
  private long sent;
  private long batches;
  private long expertRows;
  private double waited;
  private long processed;

  public StepSimulation(Deployment deployment, Workload workload, long seed) {
    this.deployment = deployment;
    this.costs = deployment.costs();
    this.routing = deployment.routing();
    this.groups = deployment.groups();
    this.workload = workload;
    this.random = new SplittableRandom(seed);
    this.cores = new Cores(deployment.sharedCores());
    gateways = new Gateway[deployment.gateways()];
    for (int i = 0; i < gateways.length; i++) {
      gateways[i] = new Gateway(deployment.batching());
      gateways[i].rotation = random.nextInt(1 << 20);
    }
    int count = groups.count();
    firstReplica = new int[count + 1];
    int largest = 1;
    memberOf = new int[groups.experts()];
    for (int group = 0; group < count; group++) {
      firstReplica[group + 1] = firstReplica[group] + deployment.replicas()[group];
      largest = Math.max(largest, groups.size(group));
      int[] members = groups.members(group);
      for (int member = 0; member < members.length; member++) {
        memberOf[members[member]] = member;
      }
    }
    int replicas = firstReplica[count];
    groupOfReplica = new int[replicas];
    for (int group = 0; group < count; group++) {
      Arrays.fill(groupOfReplica, firstReplica[group], firstReplica[group + 1], group);
    }
    messages = new Messages(largest);
    queueHead = filled(replicas);
    queueTail = filled(replicas);
    batchHead = filled(replicas);
    replicaBusy = new boolean[replicas];
    busySince = new double[replicas];
    groupSeconds = new double[count];
    messageOf = filled(count);
    lastToken = filled(count);
    tokensOf = new int[count];
    touched = new int[count];
    visited = new boolean[groups.experts()];
  }

  private static int[] filled(int length) {
    int[] values = new int[length];
    Arrays.fill(values, Messages.NONE);
    return values;
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
    windowStart = warmUp;
    windowEnd = warmUp + window;
    for (int i = 0; i < gateways.length; i++) {
      int count = (int) (running + random.nextDouble());
      for (int j = 0; j < count; j++) {
        Request request = new Request(0, routing.start(random), 0);
        request.generated = 1 + random.nextInt(workload.generatedTokens());
        gateways[i].waiting.add(request);
      }
      // Not all at once, or their steps would stay in time with each other.
      events.add(random.nextDouble() * Math.min(warmUp, 0.1), event(START, i));
    }
    if (requestsPerSecond > 0) {
      events.add(gap(), event(ARRIVAL, 0));
    }
    runUntil(windowEnd);
    int left = 0;
    for (Gateway gateway : gateways) {
      left += gateway.waiting.size();
    }
    double[] busy = new double[groups.count()];
    for (int replica = 0; replica < replicaBusy.length; replica++) {
      if (replicaBusy[replica] && batchHead[replica] != Messages.NONE) {
        groupSeconds[groupOfReplica[replica]] += Math.max(0, windowEnd - Math.max(windowStart, busySince[replica]));
      }
    }
    for (int group = 0; group < busy.length; group++) {
      int replicas = firstReplica[group + 1] - firstReplica[group];
      busy[group] = replicas == 0 ? 0 : groupSeconds[group] / replicas / window;
    }
    return new Outcome(window, tokens, firstTokens, timePerToken, timeToFirstToken, busy, steps,
        steps == 0 ? 0 : (double) stepRows / steps, sent, batches, expertRows, sent == 0 ? 0 : waited / sent, left,
        processed);
  }

  /** So many requests at the same moment, and nothing after. */
  public BatchOutcome batch(int requests) {
    tokenTimes = new double[requests * workload.generatedTokens()];
    for (int i = 0; i < requests; i++) {
      gateways[i % gateways.length].waiting.add(new Request(0, routing.start(random), workload.promptTokens()));
    }
    for (int i = 0; i < gateways.length; i++) {
      events.add(0, event(START, i));
    }
    runUntil(Double.MAX_VALUE);
    long decoded = 0;
    for (double time : tokenTimes) {
      decoded += time > lastFirstToken ? 1 : 0;
    }
    return new BatchOutcome((double) requests * workload.promptTokens() / lastFirstToken,
        end > lastFirstToken ? decoded / (end - lastFirstToken) : 0, tokens, expertRows);
  }

  private double gap() {
    return -Math.log(1 - random.nextDouble()) / requestsPerSecond;
  }

  private static long event(long kind, int id) {
    return kind << KIND_SHIFT | id;
  }

  private void runUntil(double limit) {
    while (!events.isEmpty() && events.nextTime() < limit) {
      now = events.nextTime();
      long event = events.remove();
      int id = (int) event;
      processed++;
      switch ((int) (event >> KIND_SHIFT)) {
        case (int) ARRIVAL -> arrive();
        case (int) START -> start(id);
        case (int) ANSWERED -> answered(id);
        case (int) MESSAGE -> message(id);
        case (int) COMPUTED -> computed(id);
        default -> freeCore();
      }
    }
  }

  private boolean inWindow() {
    return now >= windowStart;
  }

  private void arrive() {
    int id = random.nextInt(gateways.length);
    gateways[id].waiting.add(new Request(now, routing.start(random), workload.promptTokens()));
    start(id);
    events.add(now + gap(), event(ARRIVAL, 0));
  }

  /** Begins a step, if the gateway is not in one and there is work. */
  private void start(int id) {
    Gateway gateway = gateways[id];
    if (gateway.busy || !gateway.plan(routing.tokens())) {
      return;
    }
    gateway.busy = true;
    gateway.layer = 0;
    gateway.answers = 0;
    claim(event(START, id));
  }

  private void claim(long work) {
    if (cores.claim(work)) {
      compute(work);
    }
  }

  private void freeCore() {
    long next = cores.free();
    if (next != Cores.NOTHING) {
      compute(next);
    }
  }

  private void compute(long work) {
    int id = (int) work;
    if (work >> KIND_SHIFT == START) {
      double seconds = deployment.local() ? wholeStep(id) : layer(id);
      if (cores.areShared()) {
        events.add(now + seconds, event(CORE_FREE, 0));
      }
    } else {
      computeBatch(id);
    }
  }

  /** All layers of a step whose experts are here. Returns how long it takes. */
  private double wholeStep(int id) {
    Gateway gateway = gateways[id];
    double seconds = 0;
    for (int layer = 0; layer < routing.layers(); layer++) {
      int rows = 0;
      int experts = 0;
      Arrays.fill(visited, false);
      for (int row = 0; row < gateway.rows; row++) {
        for (int rank = 0; rank < routing.topK(); rank++) {
          int expert = routing.expert(layer, gateway.rowTokens[row], rank);
          if (expert >= 0) {
            rows++;
            experts += visited[expert] ? 0 : 1;
            visited[expert] = true;
          }
        }
      }
      expertRows += inWindow() ? rows : 0;
      seconds += costs.dense(gateway.rows) + costs.batch(0, experts, rows);
    }
    gateway.layer = routing.layers() - 1;
    gateway.answers = 0;
    events.add(now + seconds, event(ANSWERED, id));
    return seconds;
  }

  /** Takes in the answers of the layer before, computes up to the gate, sends. Returns how long that takes. */
  private double layer(int id) {
    Gateway gateway = gateways[id];
    int called = address(gateway);
    double seconds = gateway.answers * costs.gatewayReceive() + costs.dense(gateway.rows);
    int rotation = gateway.rotation++;
    for (int i = 0; i < called; i++) {
      int group = touched[i];
      int message = messageOf[group];
      seconds += costs.gatewaySend();
      int replicas = firstReplica[group + 1] - firstReplica[group];
      messages.replica[message] = firstReplica[group] + Math.floorMod(rotation, replicas);
      messages.gateway[message] = id;
      messages.layer[message] = gateway.layer;
      events.add(now + seconds + costs.travel((double) tokensOf[group] * deployment.stateBytes()),
          event(MESSAGE, message));
      messageOf[group] = Messages.NONE;
      lastToken[group] = Messages.NONE;
      tokensOf[group] = 0;
    }
    sent += inWindow() ? called : 0;
    gateway.pending = called;
    gateway.answers = called;
    gateway.latestAnswer = now + seconds;
    if (called == 0) {
      events.add(now + seconds, event(ANSWERED, id));
    }
    return seconds;
  }

  /** Makes a message for each group that the rows chose. Returns how many. */
  private int address(Gateway gateway) {
    int called = 0;
    for (int row = 0; row < gateway.rows; row++) {
      for (int rank = 0; rank < routing.topK(); rank++) {
        int expert = routing.expert(gateway.layer, gateway.rowTokens[row], rank);
        if (expert < 0) {
          continue;
        }
        int group = groups.of(expert);
        int message = messageOf[group];
        if (message == Messages.NONE) {
          message = messages.take();
          messages.rows[message] = 0;
          messageOf[group] = message;
          touched[called++] = group;
        }
        messages.rows[message]++;
        messages.setExpert(message, memberOf[expert]);
        if (lastToken[group] != row) {
          lastToken[group] = row;
          tokensOf[group]++;
        }
      }
    }
    return called;
  }

  private void message(int message) {
    int replica = messages.replica[message];
    messages.arrived[message] = now;
    messages.next[message] = Messages.NONE;
    if (queueHead[replica] == Messages.NONE) {
      queueHead[replica] = message;
    } else {
      messages.next[queueTail[replica]] = message;
    }
    queueTail[replica] = message;
    if (!replicaBusy[replica]) {
      replicaBusy[replica] = true;
      claim(event(MESSAGE, replica));
    }
  }

  /** Takes the message that waited longest and the others of its layer. */
  private void computeBatch(int replica) {
    int first = queueHead[replica];
    int layer = messages.layer[first];
    int rest = messages.next[first];
    int count = 1;
    int rows = messages.rows[first];
    int batchTail = first;
    int keptHead = Messages.NONE;
    int keptTail = Messages.NONE;
    double waits = now - messages.arrived[first];
    while (rest != Messages.NONE) {
      int message = rest;
      rest = messages.next[message];
      messages.next[message] = Messages.NONE;
      if (messages.layer[message] == layer) {
        messages.next[batchTail] = message;
        batchTail = message;
        count++;
        rows += messages.rows[message];
        waits += now - messages.arrived[message];
      } else if (keptHead == Messages.NONE) {
        keptHead = message;
        keptTail = message;
      } else {
        messages.next[keptTail] = message;
        keptTail = message;
      }
    }
    messages.next[batchTail] = Messages.NONE;
    queueHead[replica] = keptHead;
    queueTail[replica] = keptTail;
    batchHead[replica] = first;
    busySince[replica] = now;
    if (inWindow()) {
      batches++;
      expertRows += rows;
      waited += waits;
    }
    events.add(now + costs.batch(count, messages.experts(first), rows), event(COMPUTED, replica));
  }

  private void computed(int replica) {
    groupSeconds[groupOfReplica[replica]] += Math.max(0, now - Math.max(windowStart, busySince[replica]));
    int message = batchHead[replica];
    batchHead[replica] = Messages.NONE;
    while (message != Messages.NONE) {
      int following = messages.next[message];
      Gateway gateway = gateways[messages.gateway[message]];
      double answer = now + costs.travel((double) messages.rows[message] * deployment.stateBytes());
      gateway.latestAnswer = Math.max(gateway.latestAnswer, answer);
      if (--gateway.pending == 0) {
        events.add(gateway.latestAnswer, event(ANSWERED, messages.gateway[message]));
      }
      messages.giveBack(message);
      message = following;
    }
    if (cores.areShared()) {
      freeCore();
    }
    if (queueHead[replica] == Messages.NONE) {
      replicaBusy[replica] = false;
    } else {
      claim(event(MESSAGE, replica));
    }
  }

  private void answered(int id) {
    Gateway gateway = gateways[id];
    if (++gateway.layer < routing.layers()) {
      claim(event(START, id));
      return;
    }
    now += gateway.answers * costs.gatewayReceive();
    finishStep(gateway);
    gateway.busy = false;
    start(id);
  }

  private void finishStep(Gateway gateway) {
    if (inWindow()) {
      steps++;
      stepRows += gateway.rows;
    }
    boolean over = false;
    for (Request request : gateway.running) {
      if (request.rows == 0) {
        continue;
      }
      if (request.promptLeft > 0) {
        request.promptLeft -= request.rows;
        if (request.promptLeft > 0) {
          continue;
        }
      }
      token(request);
      over |= request.generated >= workload.generatedTokens();
    }
    if (over) {
      gateway.running.removeIf(request -> request.generated >= workload.generatedTokens());
    }
  }

  private void token(Request request) {
    if (tokenTimes.length > 0) {
      tokenTimes[(int) tokens] = now;
    }
    if (inWindow()) {
      tokens++;
      if (request.generated == 0) {
        firstTokens++;
        timeToFirstToken.add(now - request.arrived);
      } else if (!Double.isNaN(request.lastToken)) {
        timePerToken.add(now - request.lastToken);
      }
    }
    if (request.generated == 0) {
      lastFirstToken = Math.max(lastFirstToken, now);
    }
    end = now;
    request.generated++;
    request.lastToken = now;
  }
}
