package io.expertmesh.router;

import io.expertmesh.proto.v1.GatewayLoad;
import io.expertmesh.proto.v1.RefusedProcess;
import io.expertmesh.proto.v1.RegistryServiceGrpc;
import io.expertmesh.proto.v1.Replica;
import io.expertmesh.proto.v1.ReplicaState;
import io.expertmesh.proto.v1.RoutingTable;
import io.expertmesh.proto.v1.RoutingTableDelta;
import io.expertmesh.proto.v1.TableVersion;
import io.expertmesh.proto.v1.TrafficShare;
import io.expertmesh.proto.v1.WatchRoutingTableRequest;
import io.expertmesh.proto.v1.WatchRoutingTableResponse;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/** A gateway as the router sees it: puts the table together from what it is sent. */
final class FakeGateway implements ClientResponseObserver<WatchRoutingTableRequest, WatchRoutingTableResponse> {
  private final String name;
  private final boolean acknowledges;
  private final boolean reads;
  private final CompletableFuture<Status> end = new CompletableFuture<>();
  private @Nullable ClientCallStreamObserver<WatchRoutingTableRequest> stream;
  private volatile Map<String, Replica> replicas = Map.of();
  private volatile @Nullable TableVersion version;
  private volatile List<TrafficShare> traffic = List.of();
  private volatile List<Integer> sleeping = List.of();
  private volatile List<Integer> wanted = List.of();
  private volatile List<RefusedProcess> refused = List.of();
  private volatile int fullTables;
  private volatile int deltas;

  FakeGateway(ManagedChannel channel, WatchRoutingTableRequest first, boolean acknowledges, boolean reads) {
    this.name = first.getGateway();
    this.acknowledges = acknowledges;
    this.reads = reads;
    RegistryServiceGrpc.newStub(channel).watchRoutingTable(this);
    stream().onNext(first);
  }

  FakeGateway(ManagedChannel channel, String name) {
    this(channel, WatchRoutingTableRequest.newBuilder().setGateway(name).build(), true, true);
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<WatchRoutingTableRequest> requests) {
    stream = requests;
    if (!reads) {
      requests.disableAutoRequestWithInitial(0);
    }
  }

  private ClientCallStreamObserver<WatchRoutingTableRequest> stream() {
    ClientCallStreamObserver<WatchRoutingTableRequest> open = stream;
    if (open == null) {
      throw new IllegalStateException("the stream has not begun");
    }
    return open;
  }

  @Override
  @SuppressWarnings("NonAtomicVolatileUpdate")
  public void onNext(WatchRoutingTableResponse response) {
    switch (response.getKindCase()) {
      case TABLE -> {
        RoutingTable table = response.getTable();
        Map<String, Replica> all = new ConcurrentSkipListMap<>();
        table.getReplicasList().forEach(replica -> all.put(replica.getProcessId(), replica));
        replicas = all;
        traffic = table.getTrafficList();
        sleeping = table.getSleepingExpertIdsList();
        version = table.getVersion();
        fullTables++;
      }
      case DELTA -> {
        RoutingTableDelta delta = response.getDelta();
        TableVersion before = version;
        if (before == null || delta.getVersion().getEpoch() != before.getEpoch()
            || delta.getVersion().getNumber() != before.getNumber() + 1) {
          throw new AssertionError("a delta to " + delta.getVersion() + " after " + before);
        }
        Map<String, Replica> all = new TreeMap<>(replicas);
        delta.getReplicasList().forEach(replica -> all.put(replica.getProcessId(), replica));
        delta.getRemovedList().forEach(all::remove);
        replicas = all;
        traffic = delta.getTrafficList();
        sleeping = delta.getSleepingExpertIdsList();
        version = delta.getVersion();
        deltas++;
      }
      case KIND_NOT_SET -> throw new AssertionError("an empty message");
    }
    if (acknowledges) {
      acknowledge();
    }
  }

  void acknowledge() {
    TableVersion now = version;
    if (now != null) {
      stream().onNext(WatchRoutingTableRequest.newBuilder().setGateway(name).setVersion(now)
          .addAllWantedExpertIds(wanted).addAllRefused(refused).build());
    }
  }

  /** Says how busy it is. */
  void report(GatewayLoad load) {
    stream().onNext(WatchRoutingTableRequest.newBuilder().setGateway(name).setLoad(load).build());
  }

  /** Says that requests wait for these. */
  void want(List<Integer> experts) {
    wanted = experts;
    acknowledge();
  }

  /** Says that it does not use the process. */
  void refuse(String process, String reason) {
    refused = List.of(RefusedProcess.newBuilder().setProcessId("id-" + process).setReason(reason).build());
    acknowledge();
  }

  List<Integer> sleeping() {
    return sleeping;
  }

  void read() {
    stream().request(1);
  }

  /** By process id. */
  Map<String, Replica> replicas() {
    return replicas;
  }

  boolean routesTo(String process) {
    Replica replica = replicas.get("id-" + process);
    return replica != null && replica.getState() == ReplicaState.REPLICA_STATE_READY;
  }

  /** What the process is called for. */
  List<Integer> experts(String process) {
    Replica replica = replicas.get("id-" + process);
    return replica == null ? List.of() : replica.getExpertIdsList();
  }

  @Nullable
  TableVersion version() {
    return version;
  }

  List<TrafficShare> traffic() {
    return traffic;
  }

  int fullTables() {
    return fullTables;
  }

  int deltas() {
    return deltas;
  }

  void leave() {
    stream().onCompleted();
  }

  CompletableFuture<Status> end() {
    return end;
  }

  @Override
  public void onError(Throwable failure) {
    end.complete(Status.fromThrowable(failure));
  }

  @Override
  public void onCompleted() {
    end.complete(Status.OK);
  }
}
