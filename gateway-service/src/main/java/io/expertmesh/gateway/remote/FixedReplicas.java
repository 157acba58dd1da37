package io.expertmesh.gateway.remote;

import io.expertmesh.proto.v1.DescribeRequest;
import io.expertmesh.proto.v1.DescribeResponse;
import io.expertmesh.proto.v1.ExpertServiceGrpc;
import io.expertmesh.proto.v1.Replica;
import io.expertmesh.proto.v1.ReplicaState;
import io.expertmesh.proto.v1.RoutingTable;
import io.expertmesh.proto.v1.TableVersion;
import io.expertmesh.transport.ConnectionReason;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A table without a router: the processes at given addresses, asked again and again what they hold. One that does not
 * answer stays as it was. All state belongs to one thread.
 */
public final class FixedReplicas implements RoutingTables {
  private static final Logger log = LoggerFactory.getLogger(FixedReplicas.class);
  private static final Duration PERIOD = Duration.ofMillis(500);
  private static final Duration PATIENCE = Duration.ofSeconds(3);

  private final ControlThread thread;
  private final LatestTable table = new LatestTable();
  private final Map<String, Replica> replicas = new LinkedHashMap<>();
  private final List<Asked> processes;
  private long version;
  private volatile boolean closed;

  private FixedReplicas(List<String> endpoints, BiFunction<String, Executor, ManagedChannel> connect) {
    thread = new ControlThread("expertmesh-replicas");
    processes = endpoints.stream().distinct()
        .map(endpoint -> new Asked(endpoint, connect.apply(endpoint, thread)))
        .toList();
  }

  /**
   * Starts to ask.
   *
   * @param endpoints host:port of each process
   * @param connect opens a channel whose callbacks run on the executor
   */
  public static FixedReplicas start(List<String> endpoints, BiFunction<String, Executor, ManagedChannel> connect) {
    FixedReplicas fixed = new FixedReplicas(endpoints, connect);
    fixed.thread.execute(() -> fixed.processes.forEach(Asked::ask));
    return fixed;
  }

  @Override
  public void follow(Consumer<RoutingTable> follower) {
    table.follow(follower);
  }

  @Override
  public void close() {
    closed = true;
    processes.forEach(process -> process.channel.shutdownNow());
    thread.close();
  }

  private void heard(String endpoint, DescribeResponse answer) {
    ReplicaState state = switch (answer.getState()) {
      case PROCESS_STATE_READY -> ReplicaState.REPLICA_STATE_READY;
      case PROCESS_STATE_DRAINING -> ReplicaState.REPLICA_STATE_DRAINING;
      default -> ReplicaState.REPLICA_STATE_UNSPECIFIED;
    };
    if (state == ReplicaState.REPLICA_STATE_UNSPECIFIED) {
      return; // not there yet
    }
    Replica replica = Replica.newBuilder()
        .setProcessId(answer.getProcessId())
        .setName(endpoint)
        .setEndpoint(endpoint)
        .setFingerprint(answer.getFingerprint())
        .addAllExpertIds(answer.getExpertIdsList())
        .setState(state)
        .build();
    if (!replica.equals(replicas.put(endpoint, replica))) {
      table.publish(RoutingTable.newBuilder()
          .setVersion(TableVersion.newBuilder().setEpoch(1).setNumber(++version))
          .addAllReplicas(replicas.values())
          .build());
    }
  }

  /** One process that is asked. */
  private final class Asked {
    private final String endpoint;
    private final ManagedChannel channel;
    private boolean complained;

    Asked(String endpoint, ManagedChannel channel) {
      this.endpoint = endpoint;
      this.channel = channel;
    }

    void ask() {
      channel.resetConnectBackoff();
      ExpertServiceGrpc.newStub(channel).withDeadlineAfter(PATIENCE)
          .describe(DescribeRequest.getDefaultInstance(), new StreamObserver<>() {
            @Override
            public void onNext(DescribeResponse answer) {
              complained = false;
              heard(endpoint, answer);
            }

            @Override
            public void onError(Throwable failure) {
              if (!complained && !closed) {
                complained = true;
                log.warn("{} does not say which experts it holds: {}", endpoint, ConnectionReason.of(failure));
              }
              again();
            }

            @Override
            public void onCompleted() {
              again();
            }
          });
    }

    private void again() {
      thread.later(PERIOD.toMillis(), this::ask);
    }
  }
}
