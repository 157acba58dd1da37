package io.expertmesh.cli;

import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.expert.ExpertConfiguration;
import io.expertmesh.expert.ExpertIds;
import io.expertmesh.expert.ExpertServer;
import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.GatewayServer;
import io.expertmesh.gateway.remote.RemoteModel;
import io.expertmesh.gateway.remote.RemoteSettings;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.checkpoint.Progress;
import io.expertmesh.model.device.CpuDevices;
import io.expertmesh.router.RouterConfiguration;
import io.expertmesh.router.RouterServer;
import io.expertmesh.transport.Plaintext;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * Starts a server, asks it one question and stops it; then the same with the experts behind the network. The build runs
 * this with {@code -XX:AOTCacheOutput}, and the launcher starts from the cache (JEP 514), in three quarters of the time.
 */
@Command(name = "train-start", hidden = true, description = "Starts servers and stops them, for the JVM's AOT cache.")
final class StartTraining implements Callable<Integer> {
  private static final String QUESTION = """
      {"model": "demo", "stream": true, "temperature": 0, "messages": [{"role": "user", "content": "Who are you?"}]}""";
  private static final String LOOPBACK = "127.0.0.1";

  @Mixin
  private ModelOptions model = new ModelOptions();

  @Override
  public Integer call() throws IOException, InterruptedException {
    try (EmbeddedModel embedded = model.open()) {
      int answer = ask(embedded);
      return answer == 0 ? askCluster() : answer;
    }
  }

  private static int ask(EmbeddedModel opened) throws IOException, InterruptedException {
    var configuration = GatewayConfiguration.read(Map.of("expertmesh.port", 0, "expertmesh.host", LOOPBACK), null);
    try (GatewayServer server = GatewayServer.start(configuration, opened.served());
        HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest request = HttpRequest.newBuilder(URI.create(server.url() + "/v1/chat/completions"))
          .header("Content-Type", "application/json")
          .POST(BodyPublishers.ofString(QUESTION))
          .build();
      HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
      return response.statusCode() == 200 ? 0 : FailureReport.DEFECT;
    }
  }

  /** Router, experts and gateway of a cluster, all in this process. */
  private int askCluster() throws IOException, InterruptedException {
    var routing = RouterConfiguration.read(
        Map.of("expertmesh.router.port", 0, "expertmesh.router.http-port", 0, "expertmesh.router.host", LOOPBACK,
            "expertmesh.router.settle", "0s"),
        null);
    try (RouterServer router = RouterServer.start(routing, Plaintext.LOOPBACK);
        ExpertServer _ = ExpertServer.start(expert(router.endpoint()), model.checkpoint(Progress.NONE));
        RemoteModel remote = new RemoteModel("train-start", RemoteSettings.defaults(),
            RemoteModel.routers("train-start", List.of(router.endpoint()), null, Plaintext.LOOPBACK),
            Plaintext.LOOPBACK);
        EmbeddedModel split = model.open(remote)) {
      remote.awaitExperts();
      return ask(split);
    }
  }

  private static ExpertConfiguration expert(String router) {
    return new ExpertConfiguration("train-start", LOOPBACK, 0, 0, null, ExpertIds.parse("all"), 0, CpuDevices.NAME,
        null, Numerics.FAST, 1,
        null,
        ExpertConfiguration.DEFAULT_QUEUED_ROWS, List.of(router), Plaintext.LOOPBACK, Duration.ofSeconds(1),
        Duration.ofSeconds(10));
  }
}
