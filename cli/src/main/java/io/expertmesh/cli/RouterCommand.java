package io.expertmesh.cli;

import io.expertmesh.router.RouterConfiguration;
import io.expertmesh.router.RouterServer;
import io.expertmesh.transport.LinkSecurity;
import io.expertmesh.transport.Role;
import io.expertmesh.transport.Tls;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs the control plane until the process is told to stop. */
@Command(
    name = "router",
    description = "Runs the control plane: which processes hold which experts, and which of them gateways call.",
    footer = {
        "",
        "Prints one line of JSON when it is ready; admin calls: docs/guides/router.md.",
        "",
        "Examples:",
        "  expertmesh router",
        "  expertmesh router --auto-shards 4 --auto-replicas 2",
        "  expertmesh router --leader-lock /run/expertmesh/router.lock --port 9092 --http-port 8082"})
final class RouterCommand implements Callable<Integer> {
  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      description = "Address to listen on; 0.0.0.0 for all. Default: 127.0.0.1, this machine only.")
  private @Nullable String host;

  @Option(
      names = {"-p", "--port"},
      paramLabel = "PORT",
      description = "Of gRPC, for experts, gateways and operators. Default: 9091; 0 takes any free port.")
  private @Nullable Integer port;

  @Option(
      names = "--http-port",
      paramLabel = "PORT",
      description = "Of the admin interface, health and metrics. Default: 8081; 0 takes any free port.")
  private @Nullable Integer httpPort;

  @Option(
      names = "--scaler-port",
      paramLabel = "PORT",
      description = "Answers KEDA how busy experts and gateways are, over TLS if links have it. Default: does not.")
  private @Nullable Integer scalerPort;

  @Option(names = "--scaler-plaintext", description = "Answers KEDA in plain text all the same.")
  private boolean scalerPlaintext;

  @Option(
      names = "--lease",
      paramLabel = "TIME",
      description = "How long a process stays in the table without being heard of. Default: 3s.")
  private @Nullable Duration lease;

  @Option(
      names = "--auto-shards",
      paramLabel = "N",
      description = "Processes with --experts auto to wait for before experts are placed. Default: until no more come.")
  private @Nullable Integer autoShards;

  @Option(
      names = "--auto-replicas",
      paramLabel = "R",
      description = "Copies of each expert that is placed. Default: 1.")
  private @Nullable Integer autoReplicas;

  @Option(
      names = "--leader-lock",
      paramLabel = "FILE",
      description = "Of several routers on this machine the one that holds this file's lock leads.")
  private @Nullable Path leaderLock;

  @Option(
      names = "--leader-lease",
      paramLabel = "NAME",
      description = "Of several routers in Kubernetes the one that holds this Lease leads.")
  private @Nullable String leaderLease;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "What this router calls itself among several. Default: the machine's name.")
  private @Nullable String name;

  @Option(
      names = "--advertise",
      paramLabel = "HOST",
      description = "Where the other routers reach this one. Default: its name.")
  private @Nullable String advertise;

  @Option(
      names = "--traffic-file",
      paramLabel = "FILE",
      description = "Declares the shares of requests by version, as JSON; read again when it changes.")
  private @Nullable Path trafficFile;

  @Option(names = "--config", paramLabel = "FILE", description = "A YAML file with keys and limits.")
  private @Nullable Path config;

  @Mixin
  private TlsOptions tls = new TlsOptions();

  @Mixin
  private StopSignal stop = new StopSignal();

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() throws InterruptedException {
    stop.watch();
    Map<String, Object> options = new HashMap<>();
    put(options, "host", host);
    put(options, "port", port);
    put(options, "http-port", httpPort);
    put(options, "scaler-port", scalerPort);
    put(options, "lease", lease);
    put(options, "auto-shards", autoShards);
    put(options, "auto-replicas", autoReplicas);
    put(options, "leader-lock", leaderLock);
    put(options, "leader-lease", leaderLease);
    put(options, "name", name);
    put(options, "advertise", advertise);
    put(options, "traffic-file", trafficFile);
    put(options, "scaler-plaintext", scalerPlaintext ? true : null);
    RouterConfiguration configuration = RouterConfiguration.read(options, config);
    LinkSecurity security = tls.open(Role.ROUTER);
    try (RouterServer server = RouterServer.start(configuration, security)) {
      ReadyLine line = new ReadyLine().address("http", server.url()).address("grpc", server.endpoint());
      stop.await(() -> line.print(spec));
    } finally {
      if (security instanceof Tls opened) {
        opened.close();
      }
    }
    return 0;
  }

  private static void put(Map<String, Object> options, String name, @Nullable Object value) {
    if (value != null) {
      options.put("expertmesh.router." + name, value);
    }
  }
}
