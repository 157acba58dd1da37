package io.expertmesh.cli.chaos;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Asks the gateways' metrics which replicas they send batches to. */
final class ConnectedReplicas implements AutoCloseable {
  private static final Duration TIMEOUT = Duration.ofSeconds(10);
  private static final Pattern CONNECTED = Pattern
      .compile("^expertmesh_expert_connected\\{.*replica=\"([^\"]+)\".*} 1\\.0$", Pattern.MULTILINE);

  private final List<String> gateways;
  private final HttpClient http = HttpClient.newHttpClient();

  /** Of the gateways at these URLs. */
  ConnectedReplicas(List<String> gateways) {
    this.gateways = List.copyOf(gateways);
  }

  /** Names of those that every gateway is connected to; none if a gateway does not say. */
  Set<String> names() throws InterruptedException {
    Set<String> names = new HashSet<>();
    boolean first = true;
    for (String gateway : gateways) {
      Set<String> connected = names(gateway);
      if (first) {
        names.addAll(connected);
      } else {
        names.retainAll(connected);
      }
      first = false;
    }
    return names;
  }

  private Set<String> names(String gateway) throws InterruptedException {
    HttpRequest request = HttpRequest.newBuilder(URI.create(gateway + "/metrics")).timeout(TIMEOUT).build();
    try {
      return CONNECTED.matcher(http.send(request, BodyHandlers.ofString()).body()).results()
          .map(found -> found.group(1)).collect(Collectors.toSet());
    } catch (IOException silent) {
      return Set.of();
    }
  }

  @Override
  public void close() {
    http.close();
  }
}
