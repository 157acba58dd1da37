package io.expertmesh.expert;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.device.CpuDevices;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.transport.Addresses;
import io.expertmesh.transport.LinkSecurity;
import io.expertmesh.transport.Plaintext;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How a process runs.
 *
 * @param name what operators call it; stays the same over restarts
 * @param host address to listen on
 * @param port of the gRPC server; 0 takes any free one
 * @param httpPort of health and metrics; 0 takes any free one
 * @param advertise host that the router tells gateways to call; null for {@code host}
 * @param experts which it holds
 * @param maxExperts that it can hold; 0 for no limit
 * @param backend what computes: {@code cpu}, or the name of a provider such as {@code tornado}
 * @param device which of its devices; null for its own choice
 * @param numerics what the arithmetic must promise at least
 * @param threads that compute
 * @param version what the model's version is called; null for a digest of the checkpoint
 * @param maxQueuedRows that may wait, of all gateways together
 * @param routers host:port of each; empty to serve without one
 * @param drainTimeout how long the process answers what it has when it is told to stop
 * @param unreadTimeout after which a gateway that reads none of its results loses its stream
 * @param dtype that experts are held in; null for the model's
 */
public record ExpertConfiguration(
    String name,
    String host,
    int port,
    int httpPort,
    @Nullable String advertise,
    ExpertIds experts,
    int maxExperts,
    String backend,
    @Nullable String device,
    Numerics numerics,
    int threads,
    @Nullable String version,
    int maxQueuedRows,
    List<String> routers,
    LinkSecurity security,
    Duration drainTimeout,
    Duration unreadTimeout,
    @Nullable DType dtype) {
  public static final int DEFAULT_QUEUED_ROWS = 32768;
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._:-]{0,127}");
  private static final Pattern HOST = Pattern.compile(
      "[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{0,40}(?:%[A-Za-z0-9]{1,15})?|[A-Za-z0-9][A-Za-z0-9._-]{0,252}");
  private static final Pattern VERSION = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._:/@+=-]{0,199}");

  public ExpertConfiguration {
    routers = List.copyOf(routers);
    require(NAME.matcher(name).matches(), "--name", "--name is '%s'; it must be 1 to 128 of A-Z a-z 0-9 . _ : -", name);
    require(version == null || VERSION.matcher(version).matches(), "--model-version",
        "--model-version is '%s'; it must be 1 to 200 of A-Z a-z 0-9 . _ : / @ + = -", String.valueOf(version));
    require(port >= 0 && port <= 65535, "--port", "--port is %d; it must be 0 to 65535", port);
    require(httpPort >= 0 && httpPort <= 65535, "--http-port", "--http-port is %d; it must be 0 to 65535", httpPort);
    require(advertise == null || (HOST.matcher(advertise).matches() && !Addresses.isEverywhere(advertise)),
        "--advertise", "--advertise is '%s'; it must be the name or the address of one host, without a port",
        String.valueOf(advertise));
    require(advertise != null || !Addresses.isEverywhere(host) || isOnThisMachine(routers), "--advertise",
        "--host %s is every address of this machine, and the router must tell gateways one of them: give --advertise, such as the pod's or the machine's address",
        host);
    require(threads >= 1 && threads <= 1024, "--threads", "--threads is %d; it must be 1 to 1024", threads);
    require(maxExperts >= 0, "--max-experts", "--max-experts is %d; it must be 0 (no limit) or more", maxExperts);
    require(maxQueuedRows >= 1 && maxQueuedRows <= 1 << 24, "--max-queued-rows",
        "--max-queued-rows is %d; it must be 1 to 16777216", maxQueuedRows);
  }

  /** Holds experts in the model's type. */
  public ExpertConfiguration(String name, String host, int port, int httpPort, @Nullable String advertise,
      ExpertIds experts, int maxExperts, String backend, @Nullable String device, Numerics numerics, int threads,
      @Nullable String version, int maxQueuedRows, List<String> routers, LinkSecurity security, Duration drainTimeout,
      Duration unreadTimeout) {
    this(name, host, port, httpPort, advertise, experts, maxExperts, backend, device, numerics, threads, version,
        maxQueuedRows, routers, security, drainTimeout, unreadTimeout, null);
  }

  /** The same, with experts held in another type. */
  public ExpertConfiguration holding(@Nullable DType type) {
    return new ExpertConfiguration(name, host, port, httpPort, advertise, experts, maxExperts, backend, device,
        numerics, threads, version, maxQueuedRows, routers, security, drainTimeout, unreadTimeout, type);
  }

  /** On this machine alone, with any free ports, a thread per core and no router. */
  public static ExpertConfiguration of(String name, ExpertIds experts) {
    return new ExpertConfiguration(name, "127.0.0.1", 0, 0, null, experts, 0, CpuDevices.NAME, null, Numerics.FAST,
        Runtime.getRuntime().availableProcessors(), null, DEFAULT_QUEUED_ROWS, List.of(), Plaintext.LOOPBACK,
        Duration.ofSeconds(10), Duration.ofSeconds(10));
  }

  /** Whether the router chooses what the process holds. */
  boolean takesAssignments() {
    return experts instanceof ExpertIds.Auto;
  }

  /** host:port that gateways are told to call. */
  String advertised(int listening) {
    return advertise == null ? Addresses.onThisMachine(host, listening) : Addresses.of(advertise, listening);
  }

  /** Whether only this machine can call the process, although its router, and so perhaps a gateway, is elsewhere. */
  boolean isOutOfReach() {
    return Addresses.isLoopback(advertise == null ? host : advertise) && !isOnThisMachine(routers);
  }

  private static boolean isOnThisMachine(List<String> routers) {
    return routers.stream().allMatch(router -> Addresses.isLoopback(Addresses.host(router)));
  }

  private static void require(boolean valid, String option, String message, Object value) {
    if (!valid) {
      throw FailureException.invalidParameter(option, message.formatted(value));
    }
  }
}
