package io.expertmesh.cli;

import io.expertmesh.cli.cluster.Canary;
import io.expertmesh.cli.cluster.Cluster;
import io.expertmesh.cli.cluster.ClusterLayout;
import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Starts a whole cluster on this machine, and watches over it until it is told to stop. */
@Command(
    name = "cluster",
    description = {
        "Starts a gateway, a router and expert processes on this machine, and prints one line of JSON with their",
        "addresses when all are ready. A process that dies is started again after 2 s."},
    footer = {
        "",
        "Examples:",
        "  expertmesh cluster --shards 4",
        "  expertmesh cluster --shards 2 --replicas 2 --tls --model olmoe-q8_0.gguf",
        "  expertmesh cluster --shards 2 --expert-dtype stored,q4_0",
        "  expertmesh cluster --model olmoe --canary olmoe-tuned --canary-percent 5"})
final class ClusterCommand implements Callable<Integer> {
  @Mixin
  private ClusterOptions cluster = new ClusterOptions(1);

  @Mixin
  private ExpertTypeOptions types = new ExpertTypeOptions();

  @Option(
      names = {"-p", "--port"},
      paramLabel = "PORT",
      defaultValue = "8080",
      description = "Of the gateway's HTTP API. Default: ${DEFAULT-VALUE}; 0 takes any free port.")
  private int port;

  @Option(
      names = "--grpc-port",
      paramLabel = "PORT",
      defaultValue = "9090",
      description = "Of the gateway's gRPC API. Default: ${DEFAULT-VALUE}; 0 takes any free port.")
  private int grpcPort;

  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      defaultValue = "127.0.0.1",
      description = "Address that the gateway listens on. Default: ${DEFAULT-VALUE}, this machine only.")
  private String host = "127.0.0.1";

  @Option(
      names = "--gateways",
      paramLabel = "G",
      defaultValue = "1",
      description = "Gateways; those after the first take any free ports. Default: ${DEFAULT-VALUE}.")
  private int gateways;

  @Option(names = "--config", paramLabel = "FILE", description = "The gateway's YAML file with keys and limits.")
  private @Nullable Path config;

  @Option(
      names = "--canary",
      paramLabel = "MODEL",
      description = "A second version of the model; only groups whose experts differ get more processes.")
  private @Nullable String canary;

  @Option(
      names = "--canary-percent",
      paramLabel = "P",
      description = "Percent of the requests that the second version gets. Default: 0, until the router is told.")
  private @Nullable Double canaryPercent;

  @Option(names = "--no-restart", description = "Leave processes that die dead.")
  private boolean noRestart;

  @Mixin
  private StopSignal stop = new StopSignal();

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    stop.watch();
    List<String> gatewayOptions = new ArrayList<>(List.of("--threads", String.valueOf(cluster.model().threads())));
    if (config != null) {
      gatewayOptions.addAll(List.of("--config", config.toString()));
    }
    try (ShortLivedCertificates certificates = cluster.certificates();
        Cluster running = Cluster.start(
            withCanary(types.apply(
                cluster.layout(gateways, host, port, grpcPort, gatewayOptions, !noRestart, certificates),
                cluster.model(), cluster.auto())),
            Main.class.getName(), this::log)) {
      stop.await(() -> {
        PrintWriter out = spec.commandLine().getOut();
        out.println(running.json());
        out.flush();
      });
    }
    return 0;
  }

  private ClusterLayout withCanary(ClusterLayout layout) {
    if (canary == null) {
      if (canaryPercent != null) {
        throw FailureException.invalidParameter("--canary-percent", "--canary-percent needs a --canary that gets them");
      }
      return layout;
    }
    ModelOptions other = cluster.model().with(canary);
    return layout.with(Canary.of(canary, other.asArguments(), cluster.model().fingerprint(), other.fingerprint(),
        canaryPercent));
  }

  private void log(String line) {
    PrintWriter err = spec.commandLine().getErr();
    err.println(line);
    err.flush();
  }
}
