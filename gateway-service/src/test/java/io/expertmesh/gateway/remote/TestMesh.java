package io.expertmesh.gateway.remote;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.experts.ExpertCall.LostExpert;
import io.expertmesh.proto.v1.Replica;
import io.expertmesh.proto.v1.RoutingTable;
import io.expertmesh.proto.v1.TableVersion;
import io.expertmesh.transport.Channels;
import io.expertmesh.transport.Plaintext;
import io.expertmesh.transport.Role;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** A gateway's remote experts and the table that they follow. */
final class TestMesh implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  final List<ScriptedReplica> replicas = new ArrayList<>();
  final RemoteExperts experts;
  private final LatestTable table = new LatestTable();
  private long version;
  private long epoch = 1;

  TestMesh(List<ScriptedReplica> replicas) {
    this(RemoteSettings.defaults(), replicas);
  }

  TestMesh(RemoteSettings settings, List<ScriptedReplica> replicas) {
    this.replicas.addAll(replicas);
    publish(replicas.stream().map(ScriptedReplica::entry).toList());
    experts = RemoteExperts.start("test", TestExperts.FINGERPRINT, TestExperts.HIDDEN, settings, tables(),
        endpoint -> Channels.open(endpoint, Role.EXPERT, Plaintext.LOOPBACK, Runnable::run));
  }

  /** So many groups of experts, so many replicas of each; connected. */
  static TestMesh of(int groups, int copies) throws InterruptedException {
    return of(RemoteSettings.defaults(), groups, copies);
  }

  static TestMesh of(RemoteSettings settings, int groups, int copies) throws InterruptedException {
    List<ScriptedReplica> replicas = new ArrayList<>();
    for (int group = 0; group < groups; group++) {
      for (int copy = 0; copy < copies; copy++) {
        replicas.add(new ScriptedReplica("expert-%d-%d".formatted(group, copy), group(group, groups)));
      }
    }
    TestMesh mesh = new TestMesh(settings, replicas);
    mesh.awaitConnections(replicas.size());
    return mesh;
  }

  static List<Integer> group(int group, int groups) {
    int size = TestExperts.EXPERTS / groups;
    return IntStream.range(group * size, (group + 1) * size).boxed().toList();
  }

  RoutingTables tables() {
    return new RoutingTables() {
      @Override
      public void follow(Consumer<RoutingTable> follower) {
        table.follow(follower);
      }

      @Override
      public void close() {
        // It belongs to the test.
      }
    };
  }

  void publish(List<Replica> entries) {
    table.publish(RoutingTable.newBuilder().setVersion(TableVersion.newBuilder().setEpoch(epoch).setNumber(++version))
        .addAllReplicas(entries).build());
  }

  /** A router that knows nobody yet. */
  void publishNobody() {
    epoch++;
    publish(List.of());
  }

  void publishAll() {
    publish(replicas.stream().map(ScriptedReplica::entry).toList());
  }

  void awaitConnections(int count) throws InterruptedException {
    await(() -> experts.links().stream().filter(link -> link.live() != null).count() == count);
    await(() -> experts.unavailable().isEmpty());
  }

  /** Computes and compares every bit. */
  void computes(TestExperts.Work work) {
    float[] outputs = work.newOutputs();
    Arrays.fill(outputs, Float.NaN);
    List<LostExpert> lost = experts.forward(work.layer(), work.plan(), work.hidden(), outputs).await();
    assertThat(lost).isEmpty();
    assertThat(Arrays.equals(outputs, work.expected())).as("outputs of %d rows", work.plan().rows()).isTrue();
  }

  List<LostExpert> loses(TestExperts.Work work) {
    return experts.forward(work.layer(), work.plan(), work.hidden(), work.newOutputs()).await();
  }

  long failures(FailureKind kind) {
    return experts.counters().byName().values().stream().mapToLong(replica -> replica.failures(kind)).sum();
  }

  static void await(BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("time").isLessThan(end);
      Thread.sleep(2);
    }
  }

  /** Nothing is under way any more. */
  void awaitQuiet() throws InterruptedException {
    await(() -> experts.activeCalls() == 0 && experts.links().stream()
        .allMatch(link -> link.outstandingRows() == 0));
  }

  @Override
  public void close() {
    experts.close();
    replicas.forEach(ScriptedReplica::close);
  }
}
