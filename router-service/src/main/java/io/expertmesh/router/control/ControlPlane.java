package io.expertmesh.router.control;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.Assignment;
import io.expertmesh.proto.v1.ExpertMove;
import io.expertmesh.proto.v1.GetStateResponse;
import io.expertmesh.proto.v1.PlanRequest;
import io.expertmesh.proto.v1.PlanResponse;
import io.expertmesh.proto.v1.ProcessState;
import io.expertmesh.proto.v1.RegisterRequest;
import io.expertmesh.proto.v1.RegisterResponse;
import io.expertmesh.proto.v1.Replica;
import io.expertmesh.proto.v1.ReplicaState;
import io.expertmesh.proto.v1.TableVersion;
import io.expertmesh.proto.v1.TrafficShare;
import io.expertmesh.proto.v1.WatchRoutingTableRequest;
import io.expertmesh.router.load.ExpertRates;
import io.expertmesh.router.loop.EventLoop;
import io.expertmesh.router.metrics.RouterCounters;
import io.expertmesh.router.placement.BalancePlan;
import io.expertmesh.router.placement.Placement;
import io.expertmesh.router.placement.ReplicaPlan;
import io.expertmesh.router.placement.ShardReport;
import io.expertmesh.router.registry.Member;
import io.expertmesh.router.registry.ProcessLink;
import io.expertmesh.router.registry.Registry;
import io.expertmesh.router.scaling.ExpertScaling;
import io.expertmesh.router.scaling.GatewayNeeds;
import io.expertmesh.router.scaling.GroupNeeds;
import io.expertmesh.router.scaling.ScaledGroup;
import io.expertmesh.router.table.RoutingSnapshot;
import io.expertmesh.router.table.RoutingTables;
import io.expertmesh.router.table.WatcherLink;
import io.grpc.Status;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a leading router knows and decides: the registered processes, the routing table made of them, and which experts
 * they shall hold. A new leader begins with nothing and learns all of it from registrations and from what gateways say
 * that they follow. Every method belongs to the event loop.
 */
public final class ControlPlane implements Registry.Listener {
  private static final Logger log = LoggerFactory.getLogger(ControlPlane.class);

  private final EventLoop loop;
  private final ControlSettings settings;
  private final Registry registry;
  private final RoutingTables tables;
  private final Placement placement;
  private final Traffic traffic = new Traffic();
  private final @Nullable TrafficFile trafficFile;
  private final DrainedProcesses drained;
  private final ExpertRates rates = new ExpertRates();
  private final ExpertScaling scaling = new ExpertScaling();
  private final Overview overview;
  private boolean refreshIsDue;
  private boolean closed;

  /** @param trafficFile declares the shares of traffic; null if operators ask for them */
  public ControlPlane(EventLoop loop, ControlSettings settings, @Nullable TrafficFile trafficFile,
      RouterCounters counters) {
    this.loop = loop;
    this.trafficFile = trafficFile;
    this.settings = settings;
    this.drained = new DrainedProcesses();
    this.registry = new Registry(loop, settings.lease(), settings.maxProcesses(), counters, this);
    this.tables = new RoutingTables(loop, settings.settle(), settings.maxGateways(), counters);
    this.placement = new Placement(loop, settings.placement(), counters);
    this.overview = new Overview(registry, tables, placement, rates);
    trafficDeclared();
  }

  /** The traffic file says other shares, or this router begins to lead. */
  void trafficDeclared() {
    List<TrafficShare> declared = trafficFile == null ? null : trafficFile.shares();
    if (declared != null) {
      traffic.set(declared);
      refreshSoon();
    }
  }

  /** A message on a process's stream. */
  public void register(ProcessLink link, RegisterRequest request) {
    registry.register(link, request);
  }

  /** A process's stream ended. */
  public void disconnected(ProcessLink link) {
    registry.disconnected(link);
  }

  /** A message on a gateway's stream. */
  public void watch(WatcherLink link, WatchRoutingTableRequest request) {
    if (tables.heardFrom(link, request)) {
      traffic.adopt(request);
      refreshSoon();
    } else if (placement.isActive()) {
      refreshSoon();
    }
    tellThoseKnown();
  }

  /** A gateway takes messages again. */
  public void ready(WatcherLink link) {
    tables.ready(link);
  }

  /** A gateway's stream ended. */
  public void disconnected(WatcherLink link) {
    tables.disconnected(link);
    tellThoseKnown();
    refreshSoon();
  }

  /** Lets time pass; to be called many times per lease. */
  public void tick() {
    if (!closed) {
      registry.expire();
      tables.tick();
      tellThoseKnown();
      putSleepingInTable();
      if (placement.isActive()) {
        refreshSoon();
      }
    }
  }

  @Override
  public void heardFrom(Member member, boolean changed) {
    RegisterRequest said = member.registration();
    if (said.hasLoad()) {
      member.load().add(said.getLoad(), loop.nanos());
      rates.add(member.version(), said.getLoad(), loop.nanos());
    }
    scaling.heardFrom(member, changed, loop.nanos());
    if (changed) {
      member.drained(drained.contains(member.id(), said.getDrained()));
      place(member);
      refreshSoon();
      MixedTypes.notice(member, registry.members()).ifPresent(log::warn);
    }
    answer(member);
  }

  private void place(Member member) {
    RegisterRequest said = member.registration();
    boolean failed = said.getState() == ProcessState.PROCESS_STATE_FAILED;
    if (said.getTakesAssignments() && said.getFingerprint().getExpertDigestsCount() > 0 && !failed) {
      ShardReport report = new ShardReport(member.id(), member.name(), member.isReady(),
          !member.isDrained() && !member.isStopping(), said.getExpertIdsList(), said.getMaxExperts(),
          said.getRowsPerSecond(), said.getAssignmentId());
      placement.heardFrom(said.getFingerprint(), report, tables.isSettled());
    } else {
      placement.left(member.id());
    }
  }

  @Override
  public void left(Member member) {
    placement.left(member.id());
    rates.keepOnly(registry.members().stream().map(Member::version).collect(Collectors.toSet()));
    refreshSoon();
  }

  private void answer(Member member) {
    String refusal = tables.refusal(member.id());
    RegisterResponse.Builder answer = RegisterResponse.newBuilder()
        .setLeaseMillis(settings.lease().toMillis())
        .setDrained(member.isDrained())
        .setRefusal(refusal)
        // One that takes assignments may have none; it is there to get some.
        .setInService(member.isReady() && refusal.isEmpty()
            && (tables.isInService(member.id()) || member.registration().getTakesAssignments()))
        .setReleased(tables.isReleased(member.id()));
    Assignment assignment = placement.assignment(member.id());
    if (assignment != null) {
      answer.setAssignment(assignment);
    }
    member.link().send(answer.build());
  }

  /** They change by time and by questions too. */
  private void putSleepingInTable() {
    if (!scaling.sleeping(registry.members(), loop.nanos()).equals(tables.newest().sleeping())) {
      refreshSoon();
    }
  }

  private void tellThoseKnown() {
    for (String process : tables.nowKnown()) {
      Member member = registry.get(process);
      if (member != null) {
        answer(member);
      }
    }
  }

  /** Brings table and assignments up to date after everything that waits in the loop now. */
  private void refreshSoon() {
    if (!refreshIsDue) {
      refreshIsDue = true;
      loop.execute(this::refresh);
    }
  }

  private void refresh() {
    refreshIsDue = false;
    if (closed) {
      return;
    }
    placement.reconcile(tables.isSettled());
    SortedMap<String, Replica> replicas = new TreeMap<>();
    for (Member member : registry.members()) {
      Replica replica = replica(member);
      if (replica != null) {
        replicas.put(member.id(), replica);
      }
    }
    tables.publish(replicas, traffic.shares(), scaling.sleeping(registry.members(), loop.nanos()));
    for (String process : placement.published(tables.newest().version(), tables::acknowledgedByAll)) {
      Member member = registry.get(process);
      if (member != null) {
        answer(member);
      }
    }
  }

  private @Nullable Replica replica(Member member) {
    List<Integer> assigned = placement.calledFor(member.id());
    List<Integer> experts = assigned == null ? member.registration().getExpertIdsList() : assigned;
    if (member.isStopping()) {
      return member.replica(experts, ReplicaState.REPLICA_STATE_DRAINING);
    }
    if (!member.isReady() || experts.isEmpty()) {
      return null;
    }
    boolean draining = member.isDrained() && !placement.isStillNeeded(member.id());
    return member.replica(experts, draining ? ReplicaState.REPLICA_STATE_DRAINING : ReplicaState.REPLICA_STATE_READY);
  }

  /** Keeps new calls away from a process, or not any more. */
  public void drain(String process, boolean drain) {
    for (Member member : registry.find(process)) {
      drained.set(member.id(), drain);
      member.drained(drain);
      place(member);
      answer(member);
    }
    refreshSoon();
  }

  /**
   * Sets the shares and returns the version of the table that has them.
   *
   * @throws FailureException INVALID_REQUEST if they are wrong, or declared by a file
   */
  public TableVersion setTraffic(List<TrafficShare> shares) {
    if (trafficFile != null) {
      throw new FailureException(FailureCategory.INVALID_REQUEST,
          "The shares are declared by the traffic file %s; change them there (in the chart: canary.percent, canary.keys)."
              .formatted(trafficFile));
    }
    traffic.set(shares);
    refresh();
    return tables.newest().version();
  }

  /** Begins moves; completes when the table has them. */
  public CompletableFuture<TableVersion> move(List<ExpertMove> moves) {
    CompletableFuture<TableVersion> done = placement.move(moves);
    refreshSoon();
    return done;
  }

  /** Replicas and moves that the measured load asks for. Completes when the moves are done, if they are to be. */
  public CompletableFuture<PlanResponse> plan(PlanRequest request) {
    long now = loop.nanos();
    ReplicaPlan replicas = ReplicaPlan.of(overview.groups(now), request.getReplicas());
    PlanResponse.Builder answer = PlanResponse.newBuilder().addAllGroups(replicas.groups());
    double before = replicas.busiestBefore();
    double after = replicas.busiestAfter();
    for (BalancePlan plan : placement.plan(version -> rates.byExpert(version, now))) {
      answer.addAllMoves(plan.moves());
      before = Math.max(before, plan.busiestBefore());
      after = Math.max(after, plan.busiestAfter());
    }
    PlanResponse plan = answer.setBusiestBefore(before).setBusiestAfter(after).build();
    return request.getApply() && plan.getMovesCount() > 0
        ? move(plan.getMovesList()).thenApply(version -> plan)
        : CompletableFuture.completedFuture(plan);
  }

  /** Everything, as operators see it. */
  public GetStateResponse state() {
    return overview.state(loop.nanos());
  }

  /** The load by group of processes and layer. */
  public List<GroupLoad> groupLoads() {
    return overview.groupLoads(loop.nanos());
  }

  /**
   * What a group of experts needs. Whoever asks is taken for somebody who starts replicas by the answer.
   *
   * @throws FailureException UNAVAILABLE while this router has not led for long enough to know
   */
  public GroupNeeds needs(ScaledGroup group) {
    scaling.watched(group, loop.nanos());
    putSleepingInTable();
    requireSettled();
    return scaling.needs(group, registry.members(), tables.wanted(), loop.nanos());
  }

  private void requireSettled() {
    if (!tables.isSettled()) {
      throw new FailureException(FailureCategory.UNAVAILABLE, "This router has just begun to lead; ask again.");
    }
  }

  /**
   * What the gateways have to do.
   *
   * @throws FailureException UNAVAILABLE if none of them says, or this router has not led for long enough to know
   */
  public GatewayNeeds neededGateways() {
    requireSettled();
    GatewayNeeds needs = tables.gatewayNeeds();
    if (needs.gateways() == 0) {
      throw new FailureException(FailureCategory.UNAVAILABLE, "No gateway says how busy it is; ask again.");
    }
    return needs;
  }

  /** What the gateways have to do that say so. */
  public GatewayNeeds gatewayNeeds() {
    return tables.gatewayNeeds();
  }

  /** What each group needs. */
  public List<GroupNeeds> needs() {
    return scaling.needs(registry.members(), tables.wanted(), loop.nanos());
  }

  /** The table as it is now. */
  public RoutingSnapshot table() {
    return tables.newest();
  }

  /** Experts that no process has room for. */
  public int unplacedExperts() {
    return placement.unplaced();
  }

  /** Stops leading: every stream ends. */
  public void close(Status why) {
    closed = true;
    registry.close(why);
    tables.close(why);
  }
}
