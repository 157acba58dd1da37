package io.expertmesh.integration;

import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.GatewayServer;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.checkpoint.SafetensorsCheckpoint;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/** The demo model behind a gateway on a free port that wants the key {@value #KEY}. */
final class DemoServer implements AutoCloseable {
  static final String KEY = "sk-test";
  /** {@code printf %s sk-test | sha256sum}. */
  private static final String HASH = "sha256:f3abf2a6cc4f00987743db5f544ba345b4899ae31f326d8ee9c4816de153c9e0";

  final EmbeddedModel model;
  final GatewayServer server;

  DemoServer() {
    this(Path.of("../models/demo"));
  }

  /** @param folder with the demo model, perhaps with another chat template */
  DemoServer(Path folder) {
    model = EmbeddedModel.open(SafetensorsCheckpoint.open(folder), "demo", List.of(), Numerics.EXACT, 2);
    server = GatewayServer.start(GatewayConfiguration.read(Map.of(
        "expertmesh.port", 0,
        "expertmesh.grpc-port", 0,
        "expertmesh.keys[0].name", "test",
        "expertmesh.keys[0].hash", HASH), null), model.served());
  }

  /** What clients take as their base URL. */
  String v1() {
    return server.url() + "/v1";
  }

  /** Returns when no request runs any more. */
  void awaitIdle() {
    await(() -> model.served().engine().load().running() == 0 && model.served().engine().load().kvPagesUsed() == 0);
  }

  void awaitRunning() {
    await(() -> model.served().engine().load().running() > 0);
  }

  private static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("waited for 20 s");
      }
      Thread.onSpinWait();
    }
  }

  @Override
  public void close() {
    server.close();
    model.close();
  }
}
