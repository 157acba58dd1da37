package io.expertmesh.cli.cluster;

import io.expertmesh.model.failure.FailureException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Which processes a cluster has.
 *
 * @param experts of the model
 * @param shards expert groups
 * @param replicas processes per group
 * @param gateways may be 0, when the caller is one itself
 * @param placement who decides which experts a process holds
 * @param host that the gateway listens on; everything else stays on this machine
 * @param httpPort of the first gateway; the others take any free one. 0 takes any free one
 * @param grpcPort likewise
 * @param threads of each expert process; 0 shares the machine's cores among the shards
 * @param backends what computes the experts of each process
 * @param dtypes that the groups hold their experts in, in turn, as {@code --expert-dtype} names them; empty for the
 *     model's
 * @param modelOptions that name the model and how it is loaded
 * @param gatewayOptions more for the gateway
 * @param tls options by role; empty for plain text on this machine
 * @param canary a second version of the model; null if there is none
 * @param restart whether processes that die are started again
 */
public record ClusterLayout(int experts, int shards, int replicas, int gateways, Placement placement, String host,
    int httpPort, int grpcPort, int threads, Backends backends, List<String> dtypes,
    List<String> modelOptions, List<String> gatewayOptions, TlsOptionsByRole tls, @Nullable Canary canary,
    boolean restart) {
  /** Who decides which experts a process holds. */
  public enum Placement {
    /** Each group has its ids from the start. */
    FIXED,
    /** The router gives them out and may move them. */
    AUTO
  }

  /** The options of a role that name its certificate. */
  public interface TlsOptionsByRole {
    List<String> of(String role);
  }

  public ClusterLayout {
    if (shards < 1 || shards > experts) {
      throw FailureException.invalidParameter("--shards",
          "--shards is %d; the model's %d experts can be in 1 to %d groups".formatted(shards, experts, experts));
    }
    if (replicas < 1 || replicas > 64) {
      throw FailureException.invalidParameter("--replicas", "--replicas is %d; it must be 1 to 64".formatted(replicas));
    }
    if (gateways < 0 || gateways > 64) {
      throw FailureException.invalidParameter("--gateways", "--gateways is %d; it must be 1 to 64".formatted(gateways));
    }
    dtypes = List.copyOf(dtypes);
    modelOptions = List.copyOf(modelOptions);
    gatewayOptions = List.copyOf(gatewayOptions);
  }

  /** The same processes and those of a second version. */
  public ClusterLayout with(Canary second) {
    return new ClusterLayout(experts, shards, replicas, gateways, placement, host, httpPort, grpcPort, threads,
        backends, dtypes, modelOptions, gatewayOptions, tls, second, restart);
  }

  /** The same processes, with experts in other types. */
  public ClusterLayout holding(List<String> types) {
    return new ClusterLayout(experts, shards, replicas, gateways, placement, host, httpPort, grpcPort, threads,
        backends, types, modelOptions, gatewayOptions, tls, canary, restart);
  }

  /** The groups of which the second version needs processes of its own, ascending. */
  List<Integer> canaryGroups() {
    if (canary == null) {
      return List.of();
    }
    List<Integer> all = IntStream.range(0, shards).boxed().toList();
    List<Integer> different = all.stream()
        .filter(group -> IntStream.range(first(group), first(group + 1)).anyMatch(canary.experts()::contains)).toList();
    return placement == Placement.AUTO && !different.isEmpty() ? all : different;
  }

  private int first(int group) {
    return (int) ((long) experts * group / shards);
  }

  /** The ids of a group, such as {@code 16-31}; {@code auto} if the router chooses them. */
  String expertsOf(int group) {
    if (placement == Placement.AUTO) {
      return "auto";
    }
    int from = first(group);
    int to = first(group + 1) - 1;
    return from == to ? String.valueOf(from) : from + "-" + to;
  }

  /** What computes the experts of a process. */
  String backend(int group, int replica) {
    return backends.name(group * replicas + replica);
  }

  /** The type that a group holds its experts in; null if nothing is said. */
  @Nullable
  String dtype(int group) {
    return dtypes.isEmpty() ? null : dtypes.get(group % dtypes.size());
  }

  private int threadsOfExpert() {
    return threads > 0 ? threads : Math.max(1, Runtime.getRuntime().availableProcessors() / shards);
  }

  List<String> router(String httpPort, String grpcPort) {
    List<String> options = new ArrayList<>(List.of("router", "--stop-with-stdin", "--port", grpcPort, "--http-port",
        httpPort));
    if (placement == Placement.AUTO) {
      options.addAll(List.of("--auto-shards", String.valueOf(shards * replicas), "--auto-replicas",
          String.valueOf(replicas)));
    }
    options.addAll(tls.of("router"));
    return options;
  }

  /**
   * @param replica of the group
   * @param model options that name the version's model
   */
  List<String> expert(String name, int group, int replica, List<String> model, String router, String httpPort,
      String grpcPort) {
    List<String> options = new ArrayList<>(List.of("expert", "--stop-with-stdin", "--name", name, "--experts",
        expertsOf(group), "--router", router, "--port", grpcPort, "--http-port", httpPort, "--threads",
        String.valueOf(threadsOfExpert())));
    options.addAll(backends.options(group * replicas + replica));
    String dtype = dtype(group);
    if (dtype != null) {
      options.addAll(List.of("--expert-dtype", dtype));
    }
    options.addAll(model);
    options.addAll(tls.of("expert"));
    return options;
  }

  List<String> gateway(int index, String router, String httpPort, String grpcPort) {
    List<String> options = new ArrayList<>(List.of("gateway", "--stop-with-stdin", "--name", "gateway-" + index,
        "--router", router, "--host", host, "--port", httpPort, "--grpc-port", grpcPort));
    options.addAll(modelOptions);
    if (canary != null) {
      options.addAll(List.of("--canary", canary.model()));
    }
    options.addAll(gatewayOptions);
    options.addAll(tls.of("gateway"));
    return options;
  }
}
