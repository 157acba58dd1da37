package io.expertmesh.gateway;

import io.expertmesh.engine.api.UnavailablePolicy;
import io.expertmesh.gateway.remote.RemoteSettings;
import io.expertmesh.gateway.security.ApiKey;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.transport.TlsFiles;
import io.expertmesh.web.ConfigurationSource;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * The gateway's settings, {@code expertmesh.*} in a configuration file.
 *
 * @param host address to listen on; only this machine by default
 * @param port 0 takes any free port
 * @param grpcPort of the gRPC API, 0 for any free one; null for no gRPC API
 * @param tls certificate and key of the gRPC API; null for plain text
 * @param keys who may use the server; everybody if there are none
 * @param allowedOrigins web pages that may call the API from a browser ({@code https://host}); none by default
 * @param maxBody request bodies over this are refused
 * @param maxAnswers answers (prompts times n) in one request at most
 * @param keepAlive how long a stream may be silent before a comment is sent
 * @param unavailablePolicy what happens to requests that do not say it when experts are missing
 * @param shutdownTimeout how long running answers may take to finish when the server stops
 * @param shutdownDelay how long requests are still taken when the server is told to stop, for load balancers to hear of it
 * @param traceSteps of the steps of a request that is traced, one in so many is shown with its layers
 * @param experts how experts in other processes are called
 */
public record GatewayConfiguration(
    @DefaultValue("127.0.0.1") String host,
    @DefaultValue("8080") int port,
    @Nullable Integer grpcPort,
    @Nullable TlsFiles tls,
    @DefaultValue List<ApiKey> keys,
    @DefaultValue List<String> allowedOrigins,
    @DefaultValue("4MB") DataSize maxBody,
    @DefaultValue("32") int maxAnswers,
    @DefaultValue("10s") Duration keepAlive,
    @DefaultValue("strict") UnavailablePolicy unavailablePolicy,
    @DefaultValue("30s") Duration shutdownTimeout,
    @DefaultValue("0s") Duration shutdownDelay,
    @DefaultValue("32") int traceSteps,
    @DefaultValue RemoteSettings experts) {
  private static final ConfigurationSource<GatewayConfiguration> SOURCE = new ConfigurationSource<>("expertmesh",
      GatewayConfiguration.class);

  public GatewayConfiguration {
    keys = List.copyOf(keys);
    allowedOrigins = List.copyOf(allowedOrigins);
    require(port >= 0 && port <= 65535, "port", port, "between 0 and 65535");
    require(grpcPort == null || (grpcPort >= 0 && grpcPort <= 65535), "grpc-port", String.valueOf(grpcPort),
        "between 0 and 65535");
    require(maxBody.toBytes() > 0, "max-body", maxBody, "positive, such as 4MB");
    require(maxAnswers > 0, "max-answers", maxAnswers, "positive");
    require(traceSteps > 0, "trace-steps", traceSteps, "positive");
    require(keepAlive.isPositive(), "keep-alive", keepAlive, "positive, such as 10s");
    require(!shutdownTimeout.isNegative(), "shutdown-timeout", shutdownTimeout, "0s or more");
    require(!shutdownDelay.isNegative(), "shutdown-delay", shutdownDelay, "0s or more");
    require(keys.stream().map(ApiKey::name).distinct().count() == keys.size(), "keys", keys.size() + " keys",
        "keys with different names");
  }

  /**
   * The settings that options, environment, file and defaults come to.
   *
   * @param options full names, such as {@code expertmesh.port}
   * @param file a YAML file, if there is one
   * @throws FailureException INVALID_REQUEST naming the setting
   */
  public static GatewayConfiguration read(Map<String, ?> options, @Nullable Path file) {
    return SOURCE.read(options, file);
  }

  private static void require(boolean valid, String name, Object value, String expected) {
    if (!valid) {
      throw FailureException.invalidParameter("expertmesh." + name,
          "expertmesh.%s is %s; it must be %s.".formatted(name, value, expected));
    }
  }
}
