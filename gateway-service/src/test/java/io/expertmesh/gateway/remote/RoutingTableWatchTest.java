package io.expertmesh.gateway.remote;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.gateway.remote.TestExperts.Work;
import io.expertmesh.model.family.ModelFingerprint;
import io.expertmesh.proto.v1.GatewayLoad;
import io.expertmesh.proto.v1.RefusedProcess;
import io.expertmesh.proto.v1.RegistryServiceGrpc;
import io.expertmesh.proto.v1.Replica;
import io.expertmesh.proto.v1.RoutingTable;
import io.expertmesh.proto.v1.RoutingTableDelta;
import io.expertmesh.proto.v1.TableVersion;
import io.expertmesh.proto.v1.TrafficShare;
import io.expertmesh.proto.v1.WatchRoutingTableRequest;
import io.expertmesh.proto.v1.WatchRoutingTableResponse;
import io.expertmesh.transport.Channels;
import io.expertmesh.transport.GrpcServer;
import io.expertmesh.transport.Plaintext;
import io.expertmesh.transport.Role;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The table of whichever router answers, and the last one when none does. */
@Timeout(60)
class RoutingTableWatchTest {
  private static final TrafficShare SHARE = TrafficShare.newBuilder().setVersion("v2").setPercent(5).build();

  /** A router that sends what the test tells it to. */
  private static final class ScriptedRouter implements AutoCloseable {
    final Queue<WatchRoutingTableRequest> requests = new ConcurrentLinkedQueue<>();
    final List<StreamObserver<WatchRoutingTableResponse>> streams = new CopyOnWriteArrayList<>();
    volatile RoutingTable first = RoutingTable.getDefaultInstance();
    volatile boolean leads = true;
    final GrpcServer server;

    ScriptedRouter(int port) {
      server = GrpcServer.start("127.0.0.1", port, Plaintext.LOOPBACK, Runnable::run, List.of(
          new RegistryServiceGrpc.RegistryServiceImplBase() {
            @Override
            public StreamObserver<WatchRoutingTableRequest> watchRoutingTable(
                StreamObserver<WatchRoutingTableResponse> response) {
              return watch(response);
            }
          }));
    }

    private StreamObserver<WatchRoutingTableRequest> watch(StreamObserver<WatchRoutingTableResponse> response) {
      if (!leads) {
        response.onError(Status.UNAVAILABLE.withDescription("does not lead").asRuntimeException());
      } else {
        streams.add(response);
        response.onNext(WatchRoutingTableResponse.newBuilder().setTable(first).build());
      }
      return new StreamObserver<>() {
        @Override
        public void onNext(WatchRoutingTableRequest request) {
          requests.add(request);
        }

        @Override
        public void onError(Throwable failure) {
          streams.remove(response);
        }

        @Override
        public void onCompleted() {
          streams.remove(response);
        }
      };
    }

    void send(RoutingTableDelta delta) {
      streams.getLast().onNext(WatchRoutingTableResponse.newBuilder().setDelta(delta).build());
    }

    boolean acknowledged(TableVersion version) {
      return requests.stream().anyMatch(request -> request.getVersion().equals(version));
    }

    @Override
    public void close() {
      server.close();
    }
  }

  private static TableVersion version(long epoch, long number) {
    return TableVersion.newBuilder().setEpoch(epoch).setNumber(number).build();
  }

  private static Replica replica(String id) {
    return Replica.newBuilder().setProcessId(id).setName(id).build();
  }

  private static RoutingTable table(long epoch, long number, String... ids) {
    RoutingTable.Builder table = RoutingTable.newBuilder().setVersion(version(epoch, number)).addTraffic(SHARE);
    for (String id : ids) {
      table.addReplicas(replica(id));
    }
    return table.build();
  }

  private static RoutingTableWatch watch(List<String> routers) {
    return watch(routers, null);
  }

  private static RoutingTableWatch watch(List<String> routers, @Nullable Path file) {
    return RoutingTableWatch.start("test", routers, file,
        (router, executor) -> Channels.open(router, Role.ROUTER, Plaintext.LOOPBACK, executor));
  }

  private static List<String> ids(List<RoutingTable> tables) {
    return tables.getLast().getReplicasList().stream().map(Replica::getProcessId).toList();
  }

  @Test
  void changesAreAppliedAndEachVersionIsAcknowledged() throws InterruptedException {
    List<RoutingTable> tables = new CopyOnWriteArrayList<>();
    try (ScriptedRouter router = new ScriptedRouter(0)) {
      router.first = table(7, 1, "a", "b");
      try (RoutingTableWatch watch = watch(List.of(router.server.endpoint()))) {
        watch.follow(tables::add);
        TestMesh.await(() -> router.acknowledged(version(7, 1)));
        router.send(RoutingTableDelta.newBuilder().setVersion(version(7, 2)).addRemoved("a").addReplicas(replica("c"))
            .build());
        TestMesh.await(() -> router.acknowledged(version(7, 2)));
        assertThat(ids(tables)).containsExactly("b", "c");
        List<RoutingTable> late = new ArrayList<>();
        watch.follow(late::add);
        assertThat(ids(late)).containsExactly("b", "c");
        assertThat(router.requests.element().hasVersion()).isFalse();
        assertThat(router.requests.element().getGateway()).isEqualTo("test");
      }
    }
  }

  @Test
  void aChangeThatDoesNotFollowIsAnsweredByAskingForTheWholeTable() throws InterruptedException {
    List<RoutingTable> tables = new CopyOnWriteArrayList<>();
    try (ScriptedRouter router = new ScriptedRouter(0)) {
      router.first = table(7, 1, "a");
      try (RoutingTableWatch watch = watch(List.of(router.server.endpoint()))) {
        watch.follow(tables::add);
        TestMesh.await(() -> router.acknowledged(version(7, 1)));
        router.first = table(7, 5, "d");
        router.send(RoutingTableDelta.newBuilder().setVersion(version(7, 5)).addReplicas(replica("x")).build());
        TestMesh.await(() -> router.acknowledged(version(7, 5)));
        assertThat(ids(tables)).containsExactly("d");
      }
    }
  }

  @Test
  void whoeverIsFollowedHearsHowBusyTheGatewayIs() throws InterruptedException {
    AtomicInteger waiting = new AtomicInteger(3);
    try (ScriptedRouter router = new ScriptedRouter(0)) {
      router.first = table(7, 1, "a");
      try (RoutingTableWatch watch = watch(List.of(router.server.endpoint()))) {
        watch.report(() -> GatewayLoad.newBuilder().setWaiting(waiting.get()).build());
        TestMesh.await(() -> router.requests.stream().anyMatch(request -> request.getLoad().getWaiting() == 3
            && request.getVersion().equals(version(7, 1))));
        waiting.set(5);
        TestMesh.await(() -> router.requests.stream().anyMatch(request -> request.getLoad().getWaiting() == 5));
      }
    }
  }

  @Test
  void theLeaderIsFoundAndAnOldTableIsNotUsed() throws InterruptedException {
    List<RoutingTable> tables = new CopyOnWriteArrayList<>();
    try (ScriptedRouter follower = new ScriptedRouter(0); ScriptedRouter leader = new ScriptedRouter(0)) {
      follower.leads = false;
      leader.first = table(7, 3, "a");
      try (RoutingTableWatch watch = watch(List.of(follower.server.endpoint(), leader.server.endpoint()))) {
        watch.follow(tables::add);
        TestMesh.await(() -> leader.acknowledged(version(7, 3)));
        leader.first = table(6, 9, "old");
        leader.streams.getLast().onError(Status.UNAVAILABLE.asRuntimeException());
        TestMesh.await(() -> leader.requests.stream().filter(request -> request.getVersion().equals(version(7, 3))
            && request.getTrafficList().equals(List.of(SHARE))).count() > 2); // its first words on each new stream
        assertThat(ids(tables)).containsExactly("a");
        follower.first = table(8, 1, "new");
        follower.leads = true;
        TestMesh.await(() -> follower.acknowledged(version(8, 1)));
        assertThat(ids(tables)).containsExactly("new");
      }
    }
  }

  @Test
  @SuppressWarnings("try") // a replica that is closed early
  void expertsSleepUntilTheyCanBeCalledAndRoutersHearWhichAreWanted() throws InterruptedException {
    List<Integer> sleepers = TestMesh.group(1, 2);
    Set<Integer> wanted = Set.of(sleepers.getFirst());
    try (ScriptedRouter router = new ScriptedRouter(0);
        ScriptedReplica one = new ScriptedReplica("one", TestMesh.group(0, 2));
        ScriptedReplica two = new ScriptedReplica("two", sleepers)) {
      router.first = RoutingTable.newBuilder().setVersion(version(1, 1)).addReplicas(one.entry())
          .addAllSleepingExpertIds(sleepers).build();
      try (RoutingTableWatch watch = watch(List.of(router.server.endpoint()));
          RemoteExperts experts = RemoteExperts.start("test", TestExperts.FINGERPRINT, TestExperts.HIDDEN,
              RemoteSettings.defaults(), watch,
              endpoint -> Channels.open(endpoint, Role.EXPERT, Plaintext.LOOPBACK, Runnable::run))) {
        assertThat(experts.awaitAll(Duration.ofSeconds(20))).as("a gateway starts while experts sleep").isTrue();
        assertThat(experts.sleeping().ids()).isEqualTo(Set.copyOf(sleepers)).isEqualTo(experts.unavailable());
        experts.want(wanted);
        TestMesh.await(() -> wanted(router).equals(wanted));
        router.streams.getLast().onError(Status.UNAVAILABLE.asRuntimeException());
        TestMesh.await(() -> router.requests.stream().filter(request -> !request.getWantedExpertIdsList().isEmpty())
            .count() > 1); // another stream says it again
        int port = Integer.parseInt(two.entry().getEndpoint().split(":")[1]);
        Replica elsewhere = two.entry().toBuilder().setEndpoint("127.0.0.1:" + (port == 1 ? 2 : 1)).build();
        router.send(RoutingTableDelta.newBuilder().setVersion(version(1, 2)).addReplicas(elsewhere).build());
        TestMesh.await(() -> router.acknowledged(version(1, 2)));
        assertThat(experts.sleeping().ids()).as("it has a replica, and no connection yet").hasSize(sleepers.size());
        router.send(RoutingTableDelta.newBuilder().setVersion(version(1, 3)).addRemoved("two")
            .addReplicas(two.entry().toBuilder().setProcessId("two-again")).build());
        TestMesh.await(() -> experts.unavailable().isEmpty());
        TestMesh.await(() -> experts.sleeping().ids().isEmpty());
        experts.want(Set.of());
        TestMesh.await(() -> wanted(router).isEmpty());
        router.send(RoutingTableDelta.newBuilder().setVersion(version(1, 4)).addRemoved("two-again").build());
        two.close();
        TestMesh.await(() -> experts.unavailable().size() == sleepers.size());
        assertThat(experts.sleeping().ids()).as("it is just missing").isEmpty();
      }
    }
  }

  private static RemoteExperts experts(RoutingTableWatch watch, ModelFingerprint model) {
    return RemoteExperts.start("test", model, TestExperts.HIDDEN, RemoteSettings.defaults(), watch,
        endpoint -> Channels.open(endpoint, Role.EXPERT, Plaintext.LOOPBACK, Runnable::run));
  }

  @Test
  void theRouterHearsWhichProcessesNoVersionUsesAndWhy() throws InterruptedException {
    ModelFingerprint right = TestExperts.FINGERPRINT;
    ModelFingerprint fast = new ModelFingerprint("v2", right.shape(), right.dtype(), right.dtype(), "fast",
        right.arithmetic(), right.expertDigests());
    try (ScriptedRouter router = new ScriptedRouter(0);
        ScriptedReplica used = new ScriptedReplica("used", TestMesh.group(0, 1));
        ScriptedReplica other = new ScriptedReplica("other", TestMesh.group(0, 1))) {
      other.model = fast;
      router.first = RoutingTable.newBuilder().setVersion(version(1, 1)).addReplicas(used.entry())
          .addReplicas(other.entry()).build();
      try (RoutingTableWatch watch = watch(List.of(router.server.endpoint()))) {
        try (RemoteExperts _ = experts(watch, right)) {
          TestMesh.await(() -> !refused(router).isEmpty());
          RefusedProcess refused = refused(router).getFirst();
          assertThat(refused.getProcessId()).isEqualTo(other.entry().getProcessId());
          assertThat(refused.getReason()).contains("numerics");
          assertThat(refused(router)).hasSize(1);
          try (RemoteExperts _ = experts(watch, fast)) {
            TestMesh.await(() -> refused(router).isEmpty());
          }
        }
      }
    }
  }

  @Test
  void whatIsRefusedIsSaidWithTheAcknowledgement() throws InterruptedException {
    ModelFingerprint right = TestExperts.FINGERPRINT;
    try (ScriptedRouter router = new ScriptedRouter(0);
        ScriptedReplica used = new ScriptedReplica("used", TestMesh.group(0, 1));
        ScriptedReplica refusing = new ScriptedReplica("refusing", TestMesh.group(0, 1))) {
      refusing.refusal = Status.FAILED_PRECONDITION.withDescription("you are not my type");
      router.first = RoutingTable.newBuilder().setVersion(version(1, 1)).addReplicas(used.entry()).build();
      try (RoutingTableWatch watch = watch(List.of(router.server.endpoint()));
          RemoteExperts _ = experts(watch, right)) {
        TestMesh.await(() -> router.acknowledged(version(1, 1)));
        router.send(RoutingTableDelta.newBuilder().setVersion(version(1, 2)).addReplicas(refusing.entry()).build());
        TestMesh.await(() -> router.acknowledged(version(1, 2)));
        assertThat(router.requests.stream().filter(request -> request.getVersion().equals(version(1, 2))))
            .allMatch(request -> request.getRefused(0).getReason().contains("not my type"));
      }
    }
  }

  private static List<RefusedProcess> refused(ScriptedRouter router) {
    List<RefusedProcess> last = List.of();
    for (WatchRoutingTableRequest request : router.requests) {
      last = request.getRefusedList();
    }
    return last;
  }

  private static Set<Integer> wanted(ScriptedRouter router) {
    Set<Integer> last = Set.of();
    for (WatchRoutingTableRequest request : router.requests) {
      last = Set.copyOf(request.getWantedExpertIdsList());
    }
    return last;
  }

  @Test
  void expertsAreCalledByTheLastTableWhileNoRouterAnswers() throws InterruptedException {
    SplittableRandom random = new SplittableRandom(9);
    ScriptedRouter router = new ScriptedRouter(0);
    int port = router.server.port();
    try (ScriptedReplica one = new ScriptedReplica("one", TestMesh.group(0, 1));
        ScriptedReplica two = new ScriptedReplica("two", TestMesh.group(0, 1))) {
      router.first = RoutingTable.newBuilder().setVersion(version(1, 1)).addReplicas(one.entry()).build();
      try (RoutingTableWatch watch = watch(List.of("127.0.0.1:" + port));
          RemoteExperts experts = RemoteExperts.start("test", TestExperts.FINGERPRINT, TestExperts.HIDDEN,
              RemoteSettings.defaults(), watch,
              endpoint -> Channels.open(endpoint, Role.EXPERT, Plaintext.LOOPBACK, Runnable::run))) {
        assertThat(experts.awaitAll(Duration.ofSeconds(20))).isTrue();
        router.close();
        for (int i = 0; i < 20; i++) {
          Work work = Work.random(random, 5);
          float[] outputs = work.newOutputs();
          assertThat(experts.forward(work.layer(), work.plan(), work.hidden(), outputs).await()).isEmpty();
          assertThat(outputs).isEqualTo(work.expected());
        }
        try (ScriptedRouter next = new ScriptedRouter(port)) {
          next.first = RoutingTable.newBuilder().setVersion(version(2, 1)).addReplicas(two.entry()).build();
          TestMesh.await(() -> experts.links().stream()
              .anyMatch(link -> link.name.equals("two") && link.live() != null));
          assertThat(experts.unavailable()).isEmpty();
          one.batches.clear();
          long hedges = experts.traffic().hedges();
          Work work = Work.random(random, 5);
          assertThat(experts.forward(work.layer(), work.plan(), work.hidden(), work.newOutputs()).await()).isEmpty();
          assertThat(two.batches).isNotEmpty();
          assertThat(one.batches).as("asked only when the other one is late")
              .hasSizeLessThanOrEqualTo((int) (experts.traffic().hedges() - hedges));
        }
      }
    }
  }

  @Test
  void aTableFromTheFileIsUsedUntilARouterAnswers(@TempDir Path folder) throws InterruptedException {
    Path file = folder.resolve("table");
    List<RoutingTable> tables = new CopyOnWriteArrayList<>();
    int port;
    try (ScriptedRouter router = new ScriptedRouter(0)) {
      port = router.server.port();
      router.first = table(7, 1, "a");
      try (RoutingTableWatch _ = watch(List.of("127.0.0.1:" + port), file)) {
        TestMesh.await(() -> router.acknowledged(version(7, 1)));
      }
      assertThat(file).isRegularFile();
    }
    try (RoutingTableWatch watch = watch(List.of("127.0.0.1:" + port), file)) {
      watch.follow(tables::add);
      TestMesh.await(() -> !tables.isEmpty());
      assertThat(ids(tables)).containsExactly("a");
      try (ScriptedRouter younger = new ScriptedRouter(port)) {
        younger.first = table(3, 1, "b");
        TestMesh.await(() -> younger.acknowledged(version(3, 1)));
        assertThat(ids(tables)).as("an old file does not outweigh a router").containsExactly("b");
        assertThat(younger.requests.element().hasVersion()).isFalse();
      }
    }
  }

  @Test
  void aDamagedTableFileIsNoTable(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("table"), "no table at all");
    List<RoutingTable> tables = new CopyOnWriteArrayList<>();
    try (ScriptedRouter router = new ScriptedRouter(0)) {
      router.leads = false;
      router.first = table(7, 1, "a");
      try (RoutingTableWatch watch = watch(List.of(router.server.endpoint()), file)) {
        watch.follow(tables::add);
        router.leads = true;
        TestMesh.await(() -> router.acknowledged(version(7, 1)));
        assertThat(tables).hasSize(1);
      }
      assertThat(RoutingTable.parseFrom(Files.readAllBytes(file))).isEqualTo(table(7, 1, "a"));
    }
  }
}
