package io.expertmesh.cli;

import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.GatewayServer;
import io.expertmesh.gateway.versions.ModelVersions;
import io.expertmesh.telemetry.Telemetry;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Serves a model over HTTP until the process is told to stop. */
@Command(
    name = "serve",
    description = "Serves a model over HTTP, in OpenAI's API, with a page that chats at /.",
    footer = {
        "",
        "Examples:",
        "  expertmesh serve",
        "  expertmesh serve --model allenai/OLMoE-1B-7B-0924-Instruct --port 9000",
        "  expertmesh serve --model olmoe-q8_0.gguf --numerics exact --threads 8"})
final class ServeCommand implements Callable<Integer> {
  @Mixin
  private ModelOptions model = new ModelOptions();

  @Mixin
  private ListenOptions listen = new ListenOptions();

  @Mixin
  private StopSignal stop = new StopSignal();

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() throws InterruptedException {
    stop.watch();
    GatewayConfiguration configuration = listen.configuration(Map.of());
    try (Telemetry telemetry = Telemetry.ofEnvironment("expertmesh", "serve-" + ProcessHandle.current().pid());
        EmbeddedModel opened = model.open();
        GatewayServer server = GatewayServer.start(configuration, ModelVersions.of(opened.served()), List.of(),
            telemetry)) {
      stop.await(() -> {
        PrintWriter err = spec.commandLine().getErr();
        err.println("Chat at %1$s, or point an OpenAI client at %1$s/v1.%2$s Ctrl-C stops.".formatted(server.url(),
            server.grpcEndpoint() == null ? "" : " gRPC is at " + server.grpcEndpoint() + "."));
        err.flush();
      });
    }
    return 0;
  }
}
