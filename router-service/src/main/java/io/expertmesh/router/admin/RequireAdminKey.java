package io.expertmesh.router.admin;

import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;

/** Lets only operators call. */
public final class RequireAdminKey implements ServerInterceptor {
  private static final Metadata.Key<String> AUTHORIZATION = Metadata.Key.of("authorization",
      Metadata.ASCII_STRING_MARSHALLER);

  private final Access access;

  public RequireAdminKey(Access access) {
    this.access = access;
  }

  @Override
  public <Q, S> ServerCall.Listener<Q> interceptCall(ServerCall<Q, S> call, Metadata headers,
      ServerCallHandler<Q, S> next) {
    try {
      access.require(Access.Right.ADMIN, headers.get(AUTHORIZATION));
      return next.startCall(call, headers);
    } catch (AccessDenied denied) {
      Status status = denied.isKnown() ? Status.PERMISSION_DENIED : Status.UNAUTHENTICATED;
      call.close(status.withDescription(denied.getMessage()), new Metadata());
      return new ServerCall.Listener<>() {};
    }
  }
}
