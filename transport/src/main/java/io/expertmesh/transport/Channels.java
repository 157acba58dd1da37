package io.expertmesh.transport;

import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/** Connections between services. */
public final class Channels {
  private Channels() {}

  /**
   * A channel to one process, which connects when it is first used, and again after a break.
   *
   * @param endpoint host:port
   * @param executor runs the callbacks
   */
  public static ManagedChannel open(String endpoint, Executor executor) {
    return NettyChannelBuilder.forTarget("dns:///" + endpoint)
        .usePlaintext()
        .executor(executor)
        .maxInboundMessageSize(GrpcServer.MAX_MESSAGE_BYTES)
        .keepAliveTime(10, TimeUnit.SECONDS)
        .keepAliveTimeout(3, TimeUnit.SECONDS)
        .keepAliveWithoutCalls(true)
        .build();
  }
}
