package io.expertmesh.cli.cluster;

import io.expertmesh.cli.cluster.ServiceProcess.Ready;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A router, expert processes and gateways on this machine. Closing it stops all of them. */
public final class Cluster implements AutoCloseable {
  /** A large model's shards read their weights from disk while they warm up. */
  private static final Duration START_TIMEOUT = Duration.ofMinutes(10);

  /**
   * One replica of an expert group.
   *
   * @param version of the model; null if there is only one
   */
  public record Expert(int group, int replica, @Nullable String version, ServiceProcess process) {}

  private final ClusterLayout layout;
  private final String mainClass;
  private final Consumer<String> log;
  private final List<ServiceProcess> processes = new ArrayList<>();
  private final List<Expert> experts = new ArrayList<>();
  private final List<ServiceProcess> gateways = new ArrayList<>();
  private final ServiceProcess router;
  private final Ready routerReady;

  private Cluster(ClusterLayout layout, String mainClass, Consumer<String> log) throws InterruptedException {
    this.layout = layout;
    this.mainClass = mainClass;
    this.log = log;
    this.router = start("router", true,
        before -> layout.router(httpPort(before, 0), grpcPort(before, 0)));
    this.routerReady = await(router);
  }

  /**
   * Starts all processes and returns when they are ready.
   *
   * @param mainClass runs a service given its command and options
   * @param log takes the lines of the processes' own logs, each with the process's name
   * @throws FailureException if one of them cannot be started, with its last words
   */
  public static Cluster start(ClusterLayout layout, String mainClass, Consumer<String> log)
      throws InterruptedException {
    Cluster cluster = new Cluster(layout, mainClass, log);
    try {
      cluster.startServices();
      return cluster;
    } catch (RuntimeException | InterruptedException failure) {
      cluster.close();
      throw failure;
    }
  }

  private void startServices() throws InterruptedException {
    String registry = routerReady.grpc();
    Canary canary = layout.canary();
    for (int group = 0; group < layout.shards(); group++) {
      startGroup("expert", group, layout.modelOptions(), canary == null ? null : canary.versions().getFirst());
    }
    if (canary != null) {
      for (int group : layout.canaryGroups()) {
        startGroup("canary", group, canary.modelOptions(), canary.version());
      }
    }
    for (int i = 0; i < layout.gateways(); i++) {
      int index = i;
      gateways.add(start("gateway-" + index, false, before -> layout.gateway(index, registry,
          httpPort(before, index == 0 ? layout.httpPort() : 0), grpcPort(before, index == 0 ? layout.grpcPort() : 0))));
    }
    for (ServiceProcess process : processes) {
      await(process);
    }
    if (canary != null && canary.percent() != null) {
      share(canary.version(), canary.percent());
    }
  }

  private void startGroup(String kind, int group, List<String> model, @Nullable String version) {
    for (int replica = 0; replica < layout.replicas(); replica++) {
      String name = "%s-%d-%d".formatted(kind, group, replica);
      int copy = replica;
      experts
          .add(new Expert(group, replica, version, start(name, true, before -> layout.expert(name, group, copy, model,
              routerReady.grpc(), httpPort(before, 0), grpcPort(before, 0)))));
    }
  }

  /** Gives a version its share of the requests. */
  private void share(String version, double percent) throws InterruptedException {
    ObjectNode body = JsonMapper.shared().createObjectNode();
    body.putArray("traffic").addObject().put("version", version).put("percent", percent);
    HttpRequest request = HttpRequest.newBuilder(URI.create(routerReady.http() + "/v1/admin/traffic"))
        .header("Content-Type", "application/json").PUT(BodyPublishers.ofString(body.toString())).build();
    try (HttpClient http = HttpClient.newHttpClient()) {
      HttpResponse<String> response = http.send(request, BodyHandlers.ofString());
      if (response.statusCode() != 200) {
        throw new IOException(response.body());
      }
    } catch (IOException failed) {
      throw new FailureException(FailureCategory.UNAVAILABLE,
          "the router does not give version %s its share: %s".formatted(version, failed.getMessage()), failed);
    }
  }

  private interface Arguments {
    List<String> of(@Nullable Ready before);
  }

  private ServiceProcess start(String name, boolean mostlyMapped, Arguments arguments) {
    ServiceProcess process = new ServiceProcess(name,
        before -> JvmCommand.of(mainClass, mostlyMapped, arguments.of(before)), layout.restart(), log);
    processes.add(process);
    return process;
  }

  private static String httpPort(@Nullable Ready before, int first) {
    return before == null ? String.valueOf(first) : before.http().substring(before.http().lastIndexOf(':') + 1);
  }

  private static String grpcPort(@Nullable Ready before, int first) {
    return before == null ? String.valueOf(first) : before.grpc().substring(before.grpc().lastIndexOf(':') + 1);
  }

  private Ready await(ServiceProcess process) throws InterruptedException {
    try {
      return process.firstReady().get(START_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException | CompletionException failed) {
      close();
      Throwable cause = failed.getCause() == null ? failed : failed.getCause();
      throw new FailureException(FailureCategory.UNAVAILABLE, String.valueOf(cause.getMessage()), failed);
    } catch (TimeoutException late) {
      close();
      throw new FailureException(FailureCategory.UNAVAILABLE,
          "%s is not ready after %d minutes; its log is above".formatted(process.name(), START_TIMEOUT.toMinutes()),
          late);
    }
  }

  public ServiceProcess router() {
    return router;
  }

  public List<Expert> experts() {
    return List.copyOf(experts);
  }

  public List<ServiceProcess> gateways() {
    return List.copyOf(gateways);
  }

  /** host:port of the router's registry. */
  public String registry() {
    return routerReady.grpc();
  }

  /** What {@code expertmesh cluster} prints. */
  public String json() {
    ObjectNode line = JsonMapper.shared().createObjectNode();
    if (!gateways.isEmpty()) {
      line.set("gateway", node(gateways.getFirst()));
    }
    if (gateways.size() > 1) {
      ArrayNode all = line.putArray("gateways");
      gateways.forEach(gateway -> all.add(node(gateway)));
    }
    line.set("router", node(router));
    Canary canary = layout.canary();
    if (canary != null) {
      ArrayNode versions = line.putArray("versions");
      canary.versions().forEach(versions::add);
    }
    ArrayNode list = line.putArray("experts");
    for (Expert expert : experts) {
      Ready ready = expert.process.firstReady().join();
      ObjectNode node = list.addObject().put("group", expert.group).put("replica", expert.replica)
          .put("experts", layout.expertsOf(expert.group))
          .put("backend", layout.backend(expert.group, expert.replica))
          .put("pid", ready.pid()).put("grpc", ready.grpc()).put("http", ready.http());
      String dtype = layout.dtype(expert.group);
      if (dtype != null) {
        node.put("dtype", dtype);
      }
      if (expert.version != null) {
        node.put("version", expert.version);
      }
    }
    return line.toString();
  }

  private static ObjectNode node(ServiceProcess process) {
    Ready ready = process.firstReady().join();
    return JsonMapper.shared().createObjectNode().put("pid", ready.pid()).put("http", ready.http()).put("grpc",
        ready.grpc());
  }

  /** Stops the gateways first, so that what runs can finish. */
  @Override
  public void close() {
    gateways.forEach(ServiceProcess::stop);
    gateways.forEach(ServiceProcess::close);
    processes.forEach(ServiceProcess::stop);
    processes.forEach(ServiceProcess::close);
  }
}
