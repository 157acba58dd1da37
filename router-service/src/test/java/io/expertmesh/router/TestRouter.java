package io.expertmesh.router;

import static org.assertj.core.api.Assertions.fail;

import io.expertmesh.proto.v1.AdminServiceGrpc;
import io.expertmesh.proto.v1.AdminServiceGrpc.AdminServiceBlockingStub;
import io.expertmesh.proto.v1.GetStateRequest;
import io.expertmesh.proto.v1.GetStateResponse;
import io.expertmesh.proto.v1.RegisterRequest;
import io.expertmesh.transport.Channels;
import io.expertmesh.transport.Plaintext;
import io.expertmesh.transport.Role;
import io.grpc.ManagedChannel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** A router on free ports whose time a test controls, and connections to it. */
final class TestRouter implements AutoCloseable {
  final ManualLoop loop;
  final RouterServer server;
  private final ExecutorService callbacks = Executors.newVirtualThreadPerTaskExecutor();
  private final List<ManagedChannel> channels = new ArrayList<>();
  private final ManagedChannel channel;

  TestRouter(Map<String, ?> settings, ManualLoop loop) {
    this.loop = loop;
    server = RouterServer.start(configuration(settings), Plaintext.LOOPBACK, loop);
    channel = channel();
    loop.settle();
  }

  TestRouter(Map<String, ?> settings) {
    this(settings, new ManualLoop());
  }

  /** One that has settled. */
  static TestRouter settled(Map<String, ?> settings) {
    Map<String, Object> all = new HashMap<>(settings);
    all.put("expertmesh.router.settle", "0s");
    return new TestRouter(all);
  }

  static RouterConfiguration configuration(Map<String, ?> settings) {
    Map<String, Object> all = new HashMap<>(settings);
    all.putIfAbsent("expertmesh.router.port", 0);
    all.putIfAbsent("expertmesh.router.http-port", 0);
    return RouterConfiguration.read(all, null);
  }

  ManagedChannel channel() {
    ManagedChannel opened = Channels.open(server.endpoint(), Role.ROUTER, Plaintext.LOOPBACK, callbacks);
    channels.add(opened);
    return opened;
  }

  FakeProcess process(RegisterRequest registration) {
    return new FakeProcess(channel, registration);
  }

  FakeGateway gateway(String name) {
    return new FakeGateway(channel, name);
  }

  AdminServiceBlockingStub admin() {
    return AdminServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
  }

  GetStateResponse state() {
    return admin().getState(GetStateRequest.getDefaultInstance());
  }

  /** Returns when {@code condition} holds; fails if it does not within seconds of real time. */
  static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        fail("This did not come true: " + what);
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  @Override
  public void close() {
    channels.forEach(ManagedChannel::shutdownNow);
    server.close();
    loop.close();
    callbacks.shutdownNow();
  }
}
