package io.expertmesh.cli;

import io.expertmesh.cli.cluster.Cluster;
import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.remote.ExpertTraffic;
import io.expertmesh.gateway.remote.RemoteModel;
import io.expertmesh.gateway.remote.RemoteSettings;
import io.expertmesh.transport.LinkSecurity;
import io.expertmesh.transport.Plaintext;
import io.expertmesh.transport.Role;
import io.expertmesh.transport.Tls;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The model of a measurement with its experts as processes on this machine; this process is the gateway. */
final class BenchCluster implements AutoCloseable {
  private static final String NAME = "bench";

  private final @Nullable ShortLivedCertificates certificates;
  private final Cluster cluster;
  private final RemoteModel remote;
  private final EmbeddedModel model;

  private BenchCluster(@Nullable ShortLivedCertificates certificates, Cluster cluster, RemoteModel remote,
      EmbeddedModel model) {
    this.certificates = certificates;
    this.cluster = cluster;
    this.remote = remote;
    this.model = model;
  }

  /**
   * Starts a router and the expert processes and connects to them.
   *
   * @param microBatches 1 or 2
   */
  static BenchCluster start(ClusterOptions options, ExpertTypeOptions types, int microBatches, Consumer<String> log)
      throws IOException, InterruptedException {
    RemoteSettings settings = GatewayConfiguration
        .read(Map.of("expertmesh.experts.micro-batches", microBatches), null).experts();
    ShortLivedCertificates certificates = options.certificates();
    Cluster cluster = Cluster.start(types.apply(
        options.layout(0, "127.0.0.1", 0, 0, List.of(), false, certificates), options.model(), options.auto()),
        Main.class.getName(), log);
    LinkSecurity security = certificates == null
        ? Plaintext.LOOPBACK
        : Tls.open(certificates.of(Role.GATEWAY)).requireRole(Role.GATEWAY);
    RemoteModel remote = new RemoteModel(NAME, settings,
        RemoteModel.routers(NAME, List.of(cluster.registry()), null, security), security);
    EmbeddedModel model = options.model().open(remote);
    remote.awaitExperts();
    return new BenchCluster(certificates, cluster, remote, model);
  }

  EmbeddedModel model() {
    return model;
  }

  /** What has gone over the network so far. */
  ExpertTraffic traffic() {
    return remote.experts().traffic();
  }

  @Override
  public void close() {
    model.close();
    remote.close();
    cluster.close();
    if (certificates != null) {
      certificates.close();
    }
  }
}
