package io.expertmesh.gateway.remote;

import io.expertmesh.proto.v1.GatewayLoad;
import io.expertmesh.proto.v1.RefusedProcess;
import io.expertmesh.proto.v1.RegistryServiceGrpc;
import io.expertmesh.proto.v1.Replica;
import io.expertmesh.proto.v1.RoutingTable;
import io.expertmesh.proto.v1.RoutingTableDelta;
import io.expertmesh.proto.v1.TableVersion;
import io.expertmesh.proto.v1.WatchRoutingTableRequest;
import io.expertmesh.proto.v1.WatchRoutingTableResponse;
import io.expertmesh.transport.Addresses;
import io.expertmesh.transport.ConnectionReason;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the routing table of whichever router answers. While none does, the last table stays: the routers are not
 * needed to serve. All state belongs to one thread.
 */
public final class RoutingTableWatch implements RoutingTables {
  static final Comparator<TableVersion> ORDER = Comparator.comparingLong(TableVersion::getEpoch)
      .thenComparingLong(TableVersion::getNumber);
  private static final Logger log = LoggerFactory.getLogger(RoutingTableWatch.class);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(250);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);
  private static final Duration WRITE_AFTER = Duration.ofSeconds(1);
  private static final Duration REPORT_PERIOD = Duration.ofSeconds(1);
  private static final Duration SHORTEST_PATIENCE = Duration.ofSeconds(3);
  private static final Duration LONGEST_PATIENCE = Duration.ofSeconds(30);

  private final String gateway;
  private final List<String> routers;
  private final BiFunction<String, Executor, ManagedChannel> connect;
  private final ControlThread thread;
  private final LatestTable table = new LatestTable();
  private final @Nullable TableFile file;
  /** What a router said last; unlike the table in use it is never one from the file. */
  private @Nullable RoutingTable said;
  private boolean unwritten;
  /** Of this round: every router is tried before the next pause. */
  private final Deque<String> untried = new ArrayDeque<>();
  private Duration pause = FIRST_PAUSE;
  /** With the first answer. Doubles whenever it ran out: on an overloaded machine a TLS handshake can take seconds. */
  private Duration patience = SHORTEST_PATIENCE;
  private @Nullable Watch current;
  private final Map<Object, Set<Integer>> wanted = new HashMap<>();
  /** By follower. Written before a follower returns, so that what it refuses of a table goes with the acknowledgement. */
  private final Map<Object, Map<String, String>> refused = new ConcurrentHashMap<>();
  private @Nullable Supplier<GatewayLoad> load;
  private boolean complained;
  private boolean closed;

  private RoutingTableWatch(String gateway, List<String> routers, @Nullable TableFile file,
      BiFunction<String, Executor, ManagedChannel> connect) {
    this.gateway = gateway;
    this.routers = List.copyOf(routers);
    this.file = file;
    this.connect = connect;
    this.thread = new ControlThread("expertmesh-routing-table");
  }

  /**
   * Starts to watch.
   *
   * @param gateway this gateway's name
   * @param routers host:port, tried in turn; a name may stand for several
   * @param file keeps the last table for the next start; null for none
   * @param connect opens a channel whose callbacks run on the executor
   */
  public static RoutingTableWatch start(String gateway, List<String> routers, @Nullable Path file,
      BiFunction<String, Executor, ManagedChannel> connect) {
    RoutingTableWatch watch = new RoutingTableWatch(gateway, routers, file == null ? null : new TableFile(file),
        connect);
    watch.thread.execute(watch::connect);
    return watch;
  }

  @Override
  public void follow(Consumer<RoutingTable> follower) {
    table.follow(follower);
  }

  @Override
  public void want(Object asker, Set<Integer> experts) {
    thread.execute(() -> {
      Set<Integer> before = wanted.put(asker, Set.copyOf(experts));
      if (!experts.equals(before == null ? Set.of() : before) && current != null) {
        current.tell();
      }
    });
  }

  @Override
  public void refuse(Object asker, Map<String, String> reasons) {
    if (!reasons.equals(refused.put(asker, Map.copyOf(reasons)))) {
      thread.execute(() -> {
        if (current != null) {
          current.tell();
        }
      });
    }
  }

  @Override
  public void report(Supplier<GatewayLoad> supplier) {
    thread.execute(() -> {
      boolean first = load == null;
      load = supplier;
      if (first) {
        report();
      }
    });
  }

  private void report() {
    if (!closed) {
      if (current != null) {
        current.tell();
      }
      thread.later(REPORT_PERIOD.toMillis(), this::report);
    }
  }

  /** Forgets the routers; the thread has ended when this returns. */
  @Override
  public void close() {
    thread.execute(() -> {
      closed = true;
      if (current != null) {
        current.close();
      }
      write();
    });
    thread.close();
  }

  private void connect() {
    if (closed) {
      return;
    }
    if (untried.isEmpty()) {
      untried.addAll(Addresses.each(routers));
    }
    String router = untried.remove();
    current = new Watch(router, connect.apply(router, thread));
    current.start();
  }

  private void ended(Watch watch, Throwable reason) {
    watch.close();
    if (watch != current) {
      return;
    }
    current = null;
    boolean all = untried.isEmpty();
    if (!complained && all) {
      complained = true;
      log.warn("No router answers ({}: {}); {}", watch.router, ConnectionReason.of(reason), withoutRouter());
    }
    thread.later(all ? pause.toMillis() : 0, this::connect);
    if (all && pause.compareTo(LONGEST_PAUSE) < 0) {
      pause = pause.multipliedBy(2);
    }
  }

  private String withoutRouter() {
    if (said != null) {
      return "the last routing table stays in use";
    }
    RoutingTable kept = file == null ? null : file.read();
    if (kept == null) {
      return "there is no routing table yet";
    }
    table.publish(kept);
    return "the routing table of %s is used until then, with %d replicas".formatted(file, kept.getReplicasCount());
  }

  /** Soon, and not for every one of many changes in a row. */
  private void keep() {
    if (file != null && !unwritten) {
      unwritten = true;
      thread.later(WRITE_AFTER.toMillis(), this::write);
    }
  }

  private void write() {
    if (file != null && unwritten && said != null) {
      unwritten = false;
      file.write(said);
    }
  }

  private @Nullable TableVersion known() {
    return said == null ? null : said.getVersion();
  }

  private WatchRoutingTableRequest request() {
    WatchRoutingTableRequest.Builder request = WatchRoutingTableRequest.newBuilder().setGateway(gateway);
    if (said != null) {
      request.setVersion(said.getVersion()).addAllTraffic(said.getTrafficList());
    }
    if (load != null) {
      request.setLoad(load.get());
    }
    wanted.values().stream().flatMap(Set::stream).distinct().sorted().forEach(request::addWantedExpertIds);
    refusedByAll().forEach((process, reason) -> request.addRefused(
        RefusedProcess.newBuilder().setProcessId(process).setReason(reason)));
    return request.build();
  }

  /** What one version of the model cannot use another may. */
  private Map<String, String> refusedByAll() {
    Map<String, String> all = new TreeMap<>();
    refused.values().forEach(all::putAll);
    refused.values().forEach(reasons -> all.keySet().retainAll(reasons.keySet()));
    return all;
  }

  private static boolean follows(TableVersion version, TableVersion before) {
    return version.getEpoch() == before.getEpoch() && version.getNumber() == before.getNumber() + 1;
  }

  private static RoutingTable apply(RoutingTable before, RoutingTableDelta delta) {
    Map<String, Replica> replicas = new LinkedHashMap<>();
    before.getReplicasList().forEach(replica -> replicas.put(replica.getProcessId(), replica));
    delta.getRemovedList().forEach(replicas::remove);
    delta.getReplicasList().forEach(replica -> replicas.put(replica.getProcessId(), replica));
    return RoutingTable.newBuilder()
        .setVersion(delta.getVersion())
        .addAllReplicas(replicas.values())
        .addAllTraffic(delta.getTrafficList())
        .addAllSleepingExpertIds(delta.getSleepingExpertIdsList())
        .build();
  }

  /** One stream from one router. */
  private final class Watch implements StreamObserver<WatchRoutingTableResponse> {
    final String router;
    private final ManagedChannel channel;
    private @Nullable StreamObserver<WatchRoutingTableRequest> requests;
    private boolean answered;
    private boolean gone;

    Watch(String router, ManagedChannel channel) {
      this.router = router;
      this.channel = channel;
    }

    void start() {
      requests = RegistryServiceGrpc.newStub(channel).watchRoutingTable(this);
      requests.onNext(request());
      Duration waiting = patience;
      thread.later(waiting.toMillis(), () -> {
        if (!answered && !gone) {
          patience = waiting.multipliedBy(2).compareTo(LONGEST_PATIENCE) < 0
              ? waiting.multipliedBy(2)
              : LONGEST_PATIENCE;
          ended(this, Status.DEADLINE_EXCEEDED
              .withDescription("no answer in %d s".formatted(waiting.toSeconds())).asException());
        }
      });
    }

    @Override
    public void onNext(WatchRoutingTableResponse response) {
      if (gone) {
        return;
      }
      if (!answered) {
        answered = true;
        complained = false;
        pause = FIRST_PAUSE;
        log.info("Following the routing table of {}", router);
      }
      RoutingTable latest = said;
      TableVersion before = latest == null ? TableVersion.getDefaultInstance() : latest.getVersion();
      switch (response.getKindCase()) {
        case TABLE -> {
          if (ORDER.compare(response.getTable().getVersion(), before) < 0) {
            refuse("its table is older than the one in use");
          } else {
            use(response.getTable());
          }
        }
        case DELTA -> {
          if (latest == null || !follows(response.getDelta().getVersion(), before)) {
            refuse("a change of its table does not follow the one in use");
          } else {
            use(apply(latest, response.getDelta()));
          }
        }
        case KIND_NOT_SET -> refuse("it sent an empty message");
      }
    }

    private void use(RoutingTable next) {
      said = next;
      table.publish(next);
      keep();
      tell();
    }

    /** What this gateway goes by and wants. */
    void tell() {
      if (requests != null && !gone) {
        requests.onNext(request());
      }
    }

    /** Starts again with the whole table, of this router or the next. */
    private void refuse(String reason) {
      log.warn("The router {} is left: {} ({})", router, reason, known());
      ended(this, Status.FAILED_PRECONDITION.withDescription(reason).asException());
    }

    @Override
    public void onError(Throwable failure) {
      ended(this, failure);
    }

    @Override
    public void onCompleted() {
      ended(this, Status.UNAVAILABLE.withDescription("it ended the stream").asException());
    }

    void close() {
      gone = true;
      channel.shutdownNow();
    }
  }
}
