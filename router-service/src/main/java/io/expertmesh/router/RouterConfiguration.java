package io.expertmesh.router;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.router.admin.OperatorKey;
import io.expertmesh.router.control.ControlSettings;
import io.expertmesh.router.leader.RouterIdentity;
import io.expertmesh.router.placement.PlacementSettings;
import io.expertmesh.web.ConfigurationSource;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The router's settings, {@code expertmesh.router.*} in a configuration file.
 *
 * @param host address to listen on; only this machine by default
 * @param port of gRPC; 0 takes any free port
 * @param httpPort of the admin interface over HTTP; 0 takes any free port
 * @param scalerPort of gRPC for KEDA; 0 takes any free port, null does not answer KEDA
 * @param keys who may ask for what; admin calls need one with the admin right as soon as there are any
 * @param lease how long a process stays in the table without being heard of
 * @param settle how long processes get to register with a router that begins to lead before gateways with a table of an
 *     earlier one get another; the lease if not given
 * @param maxProcesses further processes are refused
 * @param maxGateways further gateways are refused
 * @param autoShards processes that a first placement of experts waits for; 0 places them when it has been quiet
 * @param autoReplicas copies of each expert that is placed
 * @param autoGrace how long a lost process may take to come back before others get its experts
 * @param moveTimeout how long a process may take to load an expert that is moved to it
 * @param name what this router calls itself among several; the machine's (the pod's) if not given
 * @param advertise host where the other routers reach this one; the name if not given
 * @param leaderLock a file whose lock decides which router leads; null if there is only this one
 * @param leaderLease the Lease of Kubernetes that decides instead, in this pod's namespace
 * @param trafficFile declares the shares of traffic, and is read again when it changes; null leaves them to admin calls
 * @param scalerPlaintext whether KEDA is answered in plain text although links have TLS
 */
public record RouterConfiguration(
    @DefaultValue("127.0.0.1") String host,
    @DefaultValue("9091") int port,
    @DefaultValue("8081") int httpPort,
    @Nullable Integer scalerPort,
    @DefaultValue List<OperatorKey> keys,
    @DefaultValue("3s") Duration lease,
    @Nullable Duration settle,
    @DefaultValue("10000") int maxProcesses,
    @DefaultValue("1000") int maxGateways,
    @DefaultValue("0") int autoShards,
    @DefaultValue("1") int autoReplicas,
    @DefaultValue("5s") Duration autoGrace,
    @DefaultValue("60s") Duration moveTimeout,
    @Nullable String name,
    @Nullable String advertise,
    @Nullable Path leaderLock,
    @Nullable String leaderLease,
    @Nullable Path trafficFile,
    @DefaultValue("false") boolean scalerPlaintext) {
  private static final ConfigurationSource<RouterConfiguration> SOURCE = new ConfigurationSource<>(
      "expertmesh.router", RouterConfiguration.class);
  private static final Pattern LEASE_NAME = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");
  private static final Pattern HOST = Pattern.compile("[A-Za-z0-9:][A-Za-z0-9.:-]{0,252}");
  private static final Duration QUIET = Duration.ofSeconds(1);
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration ACKNOWLEDGEMENT = Duration.ofSeconds(5);

  public RouterConfiguration {
    keys = List.copyOf(keys);
    require(port >= 0 && port <= 65535, "port", port, "between 0 and 65535");
    require(httpPort >= 0 && httpPort <= 65535, "http-port", httpPort, "between 0 and 65535");
    require(port == 0 || port != httpPort, "http-port", httpPort, "another than port");
    require(scalerPort == null || (scalerPort >= 0 && scalerPort <= 65535), "scaler-port",
        String.valueOf(scalerPort), "between 0 and 65535");
    require(lease.compareTo(Duration.ofMillis(100)) >= 0 && lease.compareTo(Duration.ofHours(1)) <= 0, "lease", lease,
        "between 100ms and 1h");
    require(settle == null || (!settle.isNegative() && settle.compareTo(Duration.ofHours(1)) <= 0), "settle",
        String.valueOf(settle), "between 0s and 1h");
    require(maxProcesses > 0, "max-processes", maxProcesses, "positive");
    require(maxGateways > 0, "max-gateways", maxGateways, "positive");
    require(autoShards >= 0, "auto-shards", autoShards, "0 or more");
    require(autoReplicas > 0, "auto-replicas", autoReplicas, "positive");
    require(autoShards == 0 || autoReplicas <= autoShards, "auto-replicas", autoReplicas,
        "at most auto-shards (" + autoShards + "), since a process holds an expert once");
    require(!autoGrace.isNegative(), "auto-grace", autoGrace, "0s or more");
    require(moveTimeout.isPositive(), "move-timeout", moveTimeout, "positive, such as 60s");
    require(leaderLock == null || leaderLease == null, "leader-lease", String.valueOf(leaderLease),
        "absent where leader-lock is given: one of the two decides who leads");
    require(leaderLease == null || LEASE_NAME.matcher(leaderLease).matches(), "leader-lease",
        String.valueOf(leaderLease), "a name of Kubernetes: small letters, digits and '-', at most 63");
    require(name == null || HOST.matcher(name).matches(), "name", String.valueOf(name),
        "1 to 253 of A-Z a-z 0-9 . -");
    require(advertise == null || HOST.matcher(advertise).matches(), "advertise", String.valueOf(advertise),
        "one host's name or address, without a port");
    require(keys.stream().map(OperatorKey::name).distinct().count() == keys.size(), "keys", keys.size() + " keys",
        "keys with different names");
    require(keys.isEmpty() || keys.stream().anyMatch(OperatorKey::admin), "keys", keys.size() + " keys without admin",
        "at least one with admin: true, or nobody could administer the router");
  }

  /**
   * The settings that options, environment, file and defaults come to.
   *
   * @param options full names, such as {@code expertmesh.router.port}
   * @param file a YAML file, if there is one
   * @throws FailureException INVALID_REQUEST naming the setting
   */
  public static RouterConfiguration read(Map<String, ?> options, @Nullable Path file) {
    return SOURCE.read(options, file);
  }

  /** What other routers know this one by, and where they reach it. */
  RouterIdentity self() {
    String called = name == null ? Objects.requireNonNullElse(System.getenv("HOSTNAME"), "router") : name;
    return new RouterIdentity(called, advertise == null ? called : advertise);
  }

  ControlSettings control() {
    return new ControlSettings(lease, settle == null ? lease : settle, maxProcesses, maxGateways, trafficFile,
        new PlacementSettings(autoShards, autoReplicas, QUIET, PATIENCE, autoGrace, ACKNOWLEDGEMENT, moveTimeout));
  }

  private static void require(boolean valid, String name, Object value, String expected) {
    if (!valid) {
      throw FailureException.invalidParameter("expertmesh.router." + name,
          "expertmesh.router.%s is %s; it must be %s.".formatted(name, value, expected));
    }
  }
}
