package io.expertmesh.cli;

import io.expertmesh.cli.cluster.Backends;
import io.expertmesh.cli.cluster.ClusterLayout;
import io.expertmesh.cli.cluster.ClusterLayout.Placement;
import io.expertmesh.model.device.CpuDevices;
import io.expertmesh.model.device.ExpertDevices;
import io.expertmesh.transport.Role;
import io.expertmesh.transport.TlsFiles;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How many processes of a cluster hold the experts of which model. */
final class ClusterOptions {
  @Mixin
  private ModelOptions model = new ModelOptions();

  @Option(
      names = "--shards",
      paramLabel = "N",
      defaultValue = "2",
      description = "Expert groups, each with an equal part of the experts. Default: ${DEFAULT-VALUE}.")
  private int shards;

  @Option(
      names = "--replicas",
      paramLabel = "R",
      description = "Processes per group; with two, one may die unnoticed. Default: ${DEFAULT-VALUE}.")
  private int replicas;

  @Option(
      names = "--tls",
      description = "Mutual TLS between all processes, with certificates made for this cluster.")
  private boolean tls;

  @Option(names = "--auto", description = "Let the router place the experts, and move them while they serve.")
  private boolean auto;

  @Option(
      names = "--expert-threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads of each expert process. Default: the cores shared among the groups.")
  private int expertThreads;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      split = ",",
      defaultValue = CpuDevices.NAME,
      description = "What computes the experts: cpu or tornado. The expert processes take several in turn, the replicas of "
          + "the first group first: cpu,tornado with one replica alternates between groups. Default: ${DEFAULT-VALUE}.")
  private List<String> backends = List.of(CpuDevices.NAME);

  @Option(
      names = "--device",
      paramLabel = "N|NAME",
      split = ",",
      description = "Which devices; the processes that are not on the CPU take several in turn. Default: the first GPU, "
          + "else the first device.")
  private List<String> devices = List.of();

  /**
   * @param replicas if the user does not say
   */
  ClusterOptions(int replicas) {
    this.replicas = replicas;
  }

  /** As if the user had said so. */
  static ClusterOptions of(ModelOptions model, int shards, int replicas, int expertThreads) {
    ClusterOptions options = new ClusterOptions(replicas);
    options.model = model;
    options.shards = shards;
    options.expertThreads = expertThreads;
    return options;
  }

  /** Certificates for the cluster's processes; null for plain text. */
  @Nullable
  ShortLivedCertificates certificates() throws IOException {
    return tls ? ShortLivedCertificates.make() : null;
  }

  private static List<String> tlsOptions(@Nullable ShortLivedCertificates certificates, String role) {
    if (certificates == null) {
      return List.of();
    }
    TlsFiles files = certificates.of(Role.valueOf(role.toUpperCase(Locale.ROOT)));
    return List.of("--tls-certificate", files.certificate().toString(), "--tls-key", files.key().toString(), "--tls-ca",
        String.valueOf(files.ca()));
  }

  ModelOptions model() {
    return model;
  }

  ClusterLayout layout(int gateways, String host, int httpPort, int grpcPort, List<String> gatewayOptions,
      boolean restart, @Nullable ShortLivedCertificates certificates) {
    return new ClusterLayout(model.experts(), shards, replicas, gateways, auto ? Placement.AUTO : Placement.FIXED, host,
        httpPort, grpcPort, expertThreads, backends(), List.of(), model.asArguments(), gatewayOptions,
        role -> tlsOptions(certificates, role),
        null, restart);
  }

  /** Whether the router places experts. */
  boolean auto() {
    return auto;
  }

  boolean onlyOnCpu() {
    return backends.stream().allMatch(CpuDevices.NAME::equals);
  }

  private Backends backends() {
    for (String backend : backends) {
      if (!backend.equals(CpuDevices.NAME)) {
        ExpertDevices.requireExact(backend, false, model.numerics());
      }
    }
    return new Backends(backends, devices);
  }

  @Override
  public String toString() {
    return "%d shards, %d replicas%s%s".formatted(shards, replicas, tls ? ", TLS" : "",
        onlyOnCpu() ? "" : ", backend " + String.join(",", backends));
  }
}
