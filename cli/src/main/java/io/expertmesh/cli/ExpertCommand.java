package io.expertmesh.cli;

import io.expertmesh.expert.ExpertConfiguration;
import io.expertmesh.expert.ExpertIds;
import io.expertmesh.expert.ExpertServer;
import io.expertmesh.model.checkpoint.Progress;
import io.expertmesh.model.device.CpuDevices;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.ProcessState;
import io.expertmesh.telemetry.Telemetry;
import io.expertmesh.transport.Role;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Holds some experts and runs them for any gateway until the process is told to stop. */
@Command(
    name = "expert",
    description = "Holds some of a model's experts and runs them for gateways, over gRPC.",
    footer = {
        "",
        "Prints one line of JSON on standard output when it can be called.",
        "",
        "Examples:",
        "  expertmesh expert --experts 0-7 --router 127.0.0.1:9100",
        "  expertmesh expert --model olmoe-q8_0.gguf --experts auto --router 10.0.0.7:9100,10.0.0.8:9100",
        "  expertmesh expert --experts 0-31 --backend tornado --device 0 --router 10.0.0.7:9100",
        "  expertmesh expert --experts 32-63 --expert-dtype q8_0 --router 10.0.0.7:9100"})
final class ExpertCommand implements Callable<Integer> {
  /** How long health, router and metrics say why the process has failed before it ends. */
  private static final Duration FAILED_FOR = Duration.ofSeconds(10);

  @Mixin
  private ModelOptions model = new ModelOptions();

  @Mixin
  private TlsOptions tls = new TlsOptions();

  @Mixin
  private StopSignal stop = new StopSignal();

  @Option(
      names = "--experts",
      required = true,
      paramLabel = "IDS",
      description = "The experts it holds: ids and ranges such as 0-7 or 16,40-43, all, or auto for what the router assigns.")
  private String experts = "";

  @Option(
      names = "--router",
      paramLabel = "HOST:PORT",
      split = ",",
      description = "The router to register with; several if there are replicas. Default: none.")
  private List<String> routers = List.of();

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "What operators call it; the same over restarts. Default: expert- and its experts.")
  private @Nullable String name;

  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      defaultValue = "127.0.0.1",
      description = "Address to listen on. Default: ${DEFAULT-VALUE}, this machine only.")
  private String host = "127.0.0.1";

  @Option(
      names = {"-p", "--port"},
      paramLabel = "PORT",
      defaultValue = "0",
      description = "Port of the gRPC server. Default: ${DEFAULT-VALUE}, any free port.")
  private int port;

  @Option(
      names = "--http-port",
      paramLabel = "PORT",
      defaultValue = "0",
      description = "Port of /health and /metrics. Default: ${DEFAULT-VALUE}, any free port.")
  private int httpPort;

  @Option(
      names = "--advertise",
      paramLabel = "HOST",
      description = "Name or address under which gateways reach it, such as a pod's. Default: the one it listens on.")
  private @Nullable String advertise;

  @Option(
      names = "--model-version",
      paramLabel = "LABEL",
      description = "What the version of the model is called. Default: a digest of the checkpoint.")
  private @Nullable String version;

  @Option(
      names = "--max-queued-rows",
      paramLabel = "N",
      defaultValue = "" + ExpertConfiguration.DEFAULT_QUEUED_ROWS,
      description = "Rows that may wait, of all gateways together. Default: ${DEFAULT-VALUE}.")
  private int maxQueuedRows = ExpertConfiguration.DEFAULT_QUEUED_ROWS;

  @Option(
      names = "--max-experts",
      paramLabel = "N",
      defaultValue = "0",
      description = "Experts that the router may assign at most. Default: ${DEFAULT-VALUE}, no limit.")
  private int maxExperts;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      defaultValue = CpuDevices.NAME,
      description = "What computes the experts: cpu, or tornado for a GPU or another device that TornadoVM reaches. "
          + "Default: ${DEFAULT-VALUE}.")
  private String backend = CpuDevices.NAME;

  @Option(
      names = "--device",
      paramLabel = "N|NAME",
      description = "Which device of the backend: its index or a part of its name, as 'inspect --devices' lists them. "
          + "Default: the first GPU, else the first device.")
  private @Nullable String device;

  @Option(
      names = "--expert-dtype",
      paramLabel = "TYPE",
      defaultValue = "stored",
      description = "The type that it holds its experts in: ${COMPLETION-CANDIDATES}. Others than the model's are "
          + "converted when they are loaded; not with --numerics exact. Default: ${DEFAULT-VALUE}, as the model is.")
  private ExpertType type = ExpertType.stored;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() throws InterruptedException {
    stop.watch();
    String called = name == null ? "expert-" + experts.replace(',', '_').replace(" ", "") : name;
    ExpertConfiguration configuration = new ExpertConfiguration(called, host, port, httpPort, advertise,
        ExpertIds.parse(experts), maxExperts, backend, device, model.numerics(), model.threads(), version,
        maxQueuedRows, routers,
        tls.open(Role.EXPERT), Duration.ofSeconds(10), Duration.ofSeconds(10), type.dtype());
    try (Telemetry telemetry = Telemetry.ofEnvironment("expertmesh-expert", called);
        ExpertServer server = ExpertServer.start(configuration, model.checkpoint(Progress.NONE), telemetry)) {
      server.process().onChange(state -> {
        if (state == ProcessState.PROCESS_STATE_FAILED) {
          Thread.ofVirtual().start(this::stopLater);
        }
      });
      ReadyLine line = new ReadyLine().address("grpc", server.grpcEndpoint()).address("http", server.httpUrl());
      stop.await(() -> line.print(spec));
      if (!server.process().failure().isEmpty()) {
        throw new FailureException(FailureCategory.UNAVAILABLE, server.process().failure());
      }
    }
    return 0;
  }

  /** A device that has failed is opened anew by a new process, which whatever watches over this one starts. */
  private void stopLater() {
    try {
      Thread.sleep(FAILED_FOR);
      stop.stop();
    } catch (InterruptedException never) {
      Thread.currentThread().interrupt();
    }
  }
}
