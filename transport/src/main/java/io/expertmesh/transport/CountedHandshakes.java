package io.expertmesh.transport;

import io.grpc.ServerCredentials;
import io.grpc.netty.GrpcHttp2ConnectionHandler;
import io.grpc.netty.InternalNettyServerCredentials;
import io.grpc.netty.InternalProtocolNegotiator;
import io.grpc.netty.InternalProtocolNegotiators;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.AsciiString;

/**
 * gRPC's own TLS, with an eye on handshakes that fail, which gRPC tells nobody. A connection that never says a word, such
 * as a probe of the port, is none.
 */
final class CountedHandshakes implements InternalProtocolNegotiator.ProtocolNegotiator {
  private final InternalProtocolNegotiator.ProtocolNegotiator tls;
  private final RefusedCallers refused;

  private CountedHandshakes(SslContext context, RefusedCallers refused) {
    this.tls = InternalProtocolNegotiators.serverTls(context);
    this.refused = refused;
  }

  static ServerCredentials credentials(SslContext context, RefusedCallers refused) {
    return InternalNettyServerCredentials.create(new CountedHandshakes(context, refused));
  }

  @Override
  public AsciiString scheme() {
    return tls.scheme();
  }

  @Override
  public ChannelHandler newHandler(GrpcHttp2ConnectionHandler grpc) {
    return new Watch(tls.newHandler(grpc), refused);
  }

  @Override
  public void close() {
    tls.close();
  }

  /** Stands before the TLS handler until the first bytes come. */
  private static final class Watch extends ChannelInboundHandlerAdapter {
    private final ChannelHandler next;
    private final RefusedCallers refused;

    Watch(ChannelHandler next, RefusedCallers refused) {
      this.next = next;
      this.refused = refused;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
      context.pipeline().addAfter(context.name(), null, next);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object bytes) {
      SslHandler handler = context.pipeline().get(SslHandler.class);
      if (handler != null) {
        Object address = context.channel().remoteAddress();
        handler.handshakeFuture().addListener(handshake -> {
          Throwable failure = handshake.cause();
          if (failure != null) {
            refused.handshakeFailed(address, failure);
          }
        });
      }
      context.fireChannelRead(bytes);
      context.pipeline().remove(this);
    }
  }
}
