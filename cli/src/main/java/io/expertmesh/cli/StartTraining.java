package io.expertmesh.cli;

import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.GatewayServer;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * Starts a server, asks it one question and stops it. The build runs this with {@code -XX:AOTCacheOutput}, and the
 * launcher starts from the cache (JEP 514), in a third of the time.
 */
@Command(name = "train-start", hidden = true, description = "Starts a server and stops it, for the JVM's AOT cache.")
final class StartTraining implements Callable<Integer> {
  private static final String QUESTION = """
      {"model": "demo", "stream": true, "temperature": 0, "messages": [{"role": "user", "content": "Who are you?"}]}""";

  @Mixin
  private ModelOptions model = new ModelOptions();

  @Override
  public Integer call() throws IOException, InterruptedException {
    var configuration = GatewayConfiguration.read(Map.of("expertmesh.port", 0, "expertmesh.host", "127.0.0.1"), null);
    try (EmbeddedModel opened = model.open();
        GatewayServer server = GatewayServer.start(configuration, opened.served());
        HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest request = HttpRequest.newBuilder(URI.create(server.url() + "/v1/chat/completions"))
          .header("Content-Type", "application/json")
          .POST(BodyPublishers.ofString(QUESTION))
          .build();
      HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
      return response.statusCode() == 200 ? 0 : FailureReport.DEFECT;
    }
  }
}
