package io.expertmesh.cli;

import io.expertmesh.gateway.GatewayConfiguration;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where and how a gateway listens. */
final class ListenOptions {
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

  /**
   * The configuration that options, environment and file come to.
   *
   * @param more settings that options have set, by their full names
   */
  GatewayConfiguration configuration(Map<String, ?> more) {
    Map<String, Object> options = new HashMap<>(more);
    if (port != null) {
      options.put("expertmesh.port", port);
    }
    if (host != null) {
      options.put("expertmesh.host", host);
    }
    if (grpcPort != null) {
      options.put("expertmesh.grpc-port", grpcPort);
    }
    return GatewayConfiguration.read(options, config);
  }
}
