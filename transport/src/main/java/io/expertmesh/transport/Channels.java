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
   * @param role what the process must be; with {@link Tls}, its certificate must say so
   * @param executor runs the callbacks
   */
  public static ManagedChannel open(String endpoint, Role role, LinkSecurity security, Executor executor) {
    NettyChannelBuilder builder = NettyChannelBuilder.forTarget("dns:///" + endpoint)
        .executor(executor)
        .maxInboundMessageSize(GrpcServer.MAX_MESSAGE_BYTES)
        .keepAliveTime(10, TimeUnit.SECONDS)
        .keepAliveTimeout(3, TimeUnit.SECONDS)
        .keepAliveWithoutCalls(true);
    switch (security) {
      case Tls tls -> builder.sslContext(tls.clients()).overrideAuthority(role.dnsName());
      case Plaintext plaintext -> builder.usePlaintext();
    }
    return builder.build();
  }
}
