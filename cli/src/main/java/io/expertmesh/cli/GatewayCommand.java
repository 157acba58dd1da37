package io.expertmesh.cli;

import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.GatewayServer;
import io.expertmesh.gateway.metrics.LoadReports;
import io.expertmesh.gateway.remote.RemoteExpertsCollector;
import io.expertmesh.gateway.remote.RemoteModel;
import io.expertmesh.gateway.remote.RemoteSettings.Wire;
import io.expertmesh.gateway.remote.RoutingTables;
import io.expertmesh.gateway.versions.ModelVersions;
import io.expertmesh.gateway.versions.ModelVersions.Version;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.telemetry.Telemetry;
import io.expertmesh.transport.LinkSecurity;
import io.expertmesh.transport.Role;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Serves a model whose experts are in other processes until the process is told to stop. */
@Command(
    name = "gateway",
    description = "Serves a model over HTTP, as serve does, with experts that are in other processes.",
    footer = {
        "",
        "Prints one line of JSON on standard output when all experts can be reached and it listens.",
        "",
        "Examples:",
        "  expertmesh gateway --router 127.0.0.1:9100",
        "  expertmesh gateway --experts-at 10.0.0.1:9200,10.0.0.2:9200 --model olmoe-q8_0.gguf"})
final class GatewayCommand implements Callable<Integer> {
  @Mixin
  private ModelOptions model = new ModelOptions();

  @Mixin
  private ListenOptions listen = new ListenOptions();

  @Mixin
  private TlsOptions tls = new TlsOptions();

  @Mixin
  private StopSignal stop = new StopSignal();

  @Option(
      names = "--router",
      paramLabel = "HOST:PORT",
      split = ",",
      description = "The router that knows where the experts are; several if there are replicas.")
  private List<String> routers = List.of();

  @Option(
      names = "--experts-at",
      paramLabel = "HOST:PORT",
      split = ",",
      description = "The expert processes, in place of a router.")
  private List<String> expertsAt = List.of();

  @Option(
      names = "--name",
      paramLabel = "NAME",
      defaultValue = "gateway",
      description = "What experts, routers and logs call it. Default: ${DEFAULT-VALUE}.")
  private String name = "gateway";

  @Option(
      names = "--wire",
      paramLabel = "TYPE",
      description = "Numbers in messages: ${COMPLETION-CANDIDATES}. bf16 halves the bytes, is not exact. Default: f32.")
  private @Nullable Wire wire;

  @Option(
      names = "--served-name",
      paramLabel = "NAME",
      description = "What clients call the model, whichever version of it is served. Default: the checkpoint's name.")
  private @Nullable String servedName;

  @Option(
      names = "--canary",
      paramLabel = "MODEL",
      description = "A second version of the model, as --model names it; the router says which requests it gets.")
  private @Nullable String canary;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() throws InterruptedException {
    stop.watch();
    GatewayConfiguration configuration = listen
        .configuration(wire == null ? Map.of() : Map.of("expertmesh.experts.wire", wire.name()));
    if (configuration.experts().wire() != Wire.f32 && model.numerics() == Numerics.EXACT) {
      throw FailureException.invalidParameter("--wire", "--wire bf16 rounds numbers; use f32 with --numerics exact");
    }
    if (routers.isEmpty() == expertsAt.isEmpty()) {
      throw FailureException.invalidParameter("--router",
          "say either which --router knows the experts or which --experts-at addresses they have");
    }
    LinkSecurity security = tls.open(Role.GATEWAY);
    RoutingTables tables = routers.isEmpty()
        ? RemoteModel.experts(expertsAt, security)
        : RemoteModel.routers(name, routers, configuration.experts().tableFile(), security);
    int engines = canary == null ? 1 : 2;
    try (Telemetry telemetry = Telemetry.ofEnvironment("expertmesh-gateway", name);
        RemoteModel remote = new RemoteModel(name, configuration.experts(), tables, security);
        EmbeddedModel opened = model.servedAs(servedName).open(remote, engines)) {
      Version main = new Version(opened.served().version(), opened.served());
      if (canary == null) {
        serve(configuration, new ModelVersions(main, List.of()), List.of(remote), telemetry);
      } else {
        try (RemoteModel beside = remote.beside();
            EmbeddedModel second = model.with(canary).open(beside, engines)) {
          Version other = new Version(second.served().version(), second.served());
          serve(configuration, new ModelVersions(main, List.of(other)), List.of(remote, beside), telemetry);
        }
      }
    }
    return 0;
  }

  /** @param models of the versions; the experts of the first one must be there */
  private void serve(GatewayConfiguration configuration, ModelVersions versions, List<RemoteModel> models,
      Telemetry telemetry) throws InterruptedException {
    models.getFirst().awaitExperts();
    versions.traffic().follow(models.getFirst().tables());
    models.getFirst().tables().report(new LoadReports(versions));
    try (GatewayServer server = GatewayServer.start(configuration, versions,
        List.of(new RemoteExpertsCollector(models)), telemetry)) {
      ReadyLine ready = new ReadyLine().address("http", server.url());
      String grpc = server.grpcEndpoint();
      if (grpc != null) {
        ready.address("grpc", grpc);
      }
      if (canary != null) {
        ready.versions(versions.all().stream().map(Version::name).toList());
      }
      stop.await(() -> ready.print(spec));
    }
  }
}
