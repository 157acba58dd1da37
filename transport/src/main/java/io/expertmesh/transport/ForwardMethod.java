package io.expertmesh.transport;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import com.google.protobuf.UnsafeByteOperations;
import io.expertmesh.proto.v1.ExpertServiceGrpc;
import io.expertmesh.proto.v1.ForwardRequest;
import io.expertmesh.proto.v1.ForwardResponse;
import io.grpc.BindableService;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.InputStream;

/**
 * {@code ExpertService.Forward}, the method whose messages are large: what comes from the network is copied once, into
 * the array that the message's tensor then stands on. gRPC's own marshaller copies twice. The bytes on the wire are the
 * same.
 */
public final class ForwardMethod {
  private static final MethodDescriptor<ForwardRequest, ForwardResponse> METHOD = ExpertServiceGrpc.getForwardMethod()
      .toBuilder(new OneCopy<>(ForwardRequest.getDefaultInstance(), ForwardRequest.parser()),
          new OneCopy<>(ForwardResponse.getDefaultInstance(), ForwardResponse.parser()))
      .build();

  private ForwardMethod() {}

  static Marshaller<ForwardRequest> requests() {
    return METHOD.getRequestMarshaller();
  }

  /**
   * Calls the method, as {@link ExpertServiceGrpc#newStub} would.
   *
   * @return takes the requests; if {@code responses} is a {@link io.grpc.stub.ClientResponseObserver}, it gets it too
   */
  public static StreamObserver<ForwardRequest> call(Channel channel, StreamObserver<ForwardResponse> responses) {
    return ClientCalls.asyncBidiStreamingCall(channel.newCall(METHOD, CallOptions.DEFAULT), responses);
  }

  /** The same service with this method in the place of the generated one. */
  public static BindableService serve(ExpertServiceGrpc.ExpertServiceImplBase service) {
    return () -> {
      ServerServiceDefinition generated = service.bindService();
      ServiceDescriptor.Builder descriptor = ServiceDescriptor.newBuilder(generated.getServiceDescriptor().getName())
          .setSchemaDescriptor(generated.getServiceDescriptor().getSchemaDescriptor());
      for (ServerMethodDefinition<?, ?> method : generated.getMethods()) {
        descriptor.addMethod(isForward(method) ? METHOD : method.getMethodDescriptor());
      }
      ServerServiceDefinition.Builder definition = ServerServiceDefinition.builder(descriptor.build());
      for (ServerMethodDefinition<?, ?> method : generated.getMethods()) {
        if (isForward(method)) {
          definition.addMethod(withOneCopy(method));
        } else {
          definition.addMethod(method);
        }
      }
      return definition.build();
    };
  }

  private static boolean isForward(ServerMethodDefinition<?, ?> method) {
    return method.getMethodDescriptor().getFullMethodName().equals(METHOD.getFullMethodName());
  }

  @SuppressWarnings("unchecked") // the method of this name has these messages
  private static ServerMethodDefinition<ForwardRequest, ForwardResponse> withOneCopy(
      ServerMethodDefinition<?, ?> generated) {
    return ServerMethodDefinition.create(METHOD,
        ((ServerMethodDefinition<ForwardRequest, ForwardResponse>) generated).getServerCallHandler());
  }

  /** Parses messages whose byte fields stand on the array that was read into. */
  private static final class OneCopy<M extends Message> implements Marshaller<M> {
    private final Marshaller<M> usual;
    private final Parser<M> parser;

    OneCopy(M instance, Parser<M> parser) {
      this.usual = ProtoUtils.marshaller(instance);
      this.parser = parser;
    }

    @Override
    public InputStream stream(M message) {
      return usual.stream(message);
    }

    @Override
    public M parse(InputStream stream) {
      if (!(stream instanceof KnownLength)) {
        return usual.parse(stream);
      }
      try {
        byte[] bytes = new byte[stream.available()];
        int read = stream.readNBytes(bytes, 0, bytes.length);
        CodedInputStream input = UnsafeByteOperations.unsafeWrap(bytes, 0, read).newCodedInput();
        input.enableAliasing(true);
        M message = parser.parseFrom(input);
        input.checkLastTagWas(0);
        return message;
      } catch (InvalidProtocolBufferException invalid) {
        throw Status.INTERNAL.withDescription("not a valid message").withCause(invalid).asRuntimeException();
      } catch (IOException broken) {
        throw Status.INTERNAL.withDescription("a message could not be read").withCause(broken).asRuntimeException();
      }
    }
  }
}
