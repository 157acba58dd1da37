package io.expertmesh.cli;

import io.expertmesh.cli.cluster.ClusterLayout;
import io.expertmesh.cli.cluster.ClusterLayout.Placement;
import java.util.List;
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

  @Option(names = "--auto", description = "Let the router place the experts, and move them while they serve.")
  private boolean auto;

  @Option(
      names = "--expert-threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads of each expert process. Default: the cores shared among the groups.")
  private int expertThreads;

  /**
   * @param replicas if the user does not say
   */
  ClusterOptions(int replicas) {
    this.replicas = replicas;
  }

  ModelOptions model() {
    return model;
  }

  ClusterLayout layout(int gateways, String host, int httpPort, int grpcPort, List<String> gatewayOptions,
      boolean restart) {
    return new ClusterLayout(model.experts(), shards, replicas, gateways, auto ? Placement.AUTO : Placement.FIXED, host,
        httpPort, grpcPort, expertThreads, model.asArguments(), gatewayOptions, role -> List.of(), restart);
  }
}
