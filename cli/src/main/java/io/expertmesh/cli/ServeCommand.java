package io.expertmesh.cli;

import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.gateway.ConfigurationSource;
import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.GatewayServer;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
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

  @Option(names = {"-p", "--port"}, paramLabel = "PORT", description = "Default: 8080; 0 takes any free port.")
  private @Nullable Integer port;

  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      description = "Address to listen on; 0.0.0.0 for all. Default: 127.0.0.1, this machine only.")
  private @Nullable String host;

  @Option(
      names = "--grpc-port",
      paramLabel = "PORT",
      description = "Port of the gRPC API (InferenceService); 0 takes any free one. Default: no gRPC API.")
  private @Nullable Integer grpcPort;

  @Option(names = "--config", paramLabel = "FILE", description = "A YAML file with keys and limits.")
  private @Nullable Path config;

  @Mixin
  private StopSignal stop = new StopSignal();

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() throws InterruptedException {
    Map<String, Object> options = new HashMap<>();
    if (port != null) {
      options.put("expertmesh.port", port);
    }
    if (host != null) {
      options.put("expertmesh.host", host);
    }
    if (grpcPort != null) {
      options.put("expertmesh.grpc-port", grpcPort);
    }
    GatewayConfiguration configuration = ConfigurationSource.read(options, config);
    try (EmbeddedModel opened = model.open();
        GatewayServer server = GatewayServer.start(configuration, opened.served())) {
      PrintWriter err = spec.commandLine().getErr();
      err.println("Chat at %1$s, or point an OpenAI client at %1$s/v1.%2$s Ctrl-C stops.".formatted(server.url(),
          server.grpcEndpoint() == null ? "" : " gRPC is at " + server.grpcEndpoint() + "."));
      err.flush();
      stop.await();
    } finally {
      stop.closed();
    }
    return 0;
  }
}
