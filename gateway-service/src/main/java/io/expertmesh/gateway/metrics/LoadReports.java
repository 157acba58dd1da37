package io.expertmesh.gateway.metrics;

import io.expertmesh.engine.api.EngineLoad;
import io.expertmesh.gateway.versions.ModelVersions;
import io.expertmesh.proto.v1.GatewayLoad;
import java.util.function.Supplier;

/**
 * How busy a gateway is, for the router, which answers autoscalers by it. Queues and running requests of all versions are
 * summed; where one version has no room left, pages of another do not help.
 */
public final class LoadReports implements Supplier<GatewayLoad> {
  private final ModelVersions versions;

  public LoadReports(ModelVersions versions) {
    this.versions = versions;
  }

  @Override
  public GatewayLoad get() {
    GatewayLoad.Builder sum = GatewayLoad.newBuilder();
    double fullest = -1;
    for (ModelVersions.Version version : versions.all()) {
      EngineLoad load = version.model().engine().load();
      sum.setWaiting(sum.getWaiting() + load.waiting()).setRunning(sum.getRunning() + load.running())
          .setRunningLimit(sum.getRunningLimit() + load.runningLimit());
      double full = (double) load.kvPagesUsed() / Math.max(1, load.kvPagesTotal());
      if (full > fullest) {
        fullest = full;
        sum.setKvPagesUsed(load.kvPagesUsed()).setKvPagesTotal(load.kvPagesTotal());
      }
    }
    return sum.build();
  }
}
