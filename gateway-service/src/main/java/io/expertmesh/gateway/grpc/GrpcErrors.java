package io.expertmesh.gateway.grpc;

import io.expertmesh.gateway.http.ApiError;
import io.expertmesh.gateway.http.ApiException;
import io.expertmesh.transport.StatusMapping;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Failures as gRPC callers see them; an HTTP error's further headers become trailers. */
final class GrpcErrors {
  private static final Logger log = LoggerFactory.getLogger(GrpcErrors.class);

  private GrpcErrors() {}

  static StatusRuntimeException of(Throwable failure) {
    if (failure instanceof ApiException api) {
      ApiError error = api.error();
      Metadata trailers = new Metadata();
      error.headers().forEach((name, value) -> trailers.put(
          Metadata.Key.of(name.toLowerCase(Locale.ROOT), Metadata.ASCII_STRING_MARSHALLER), value));
      return code(error.status()).withDescription(error.message()).asRuntimeException(trailers);
    }
    StatusRuntimeException status = StatusMapping.toStatus(failure);
    if (status.getStatus().getCode() == Status.Code.INTERNAL) {
      log.error("A call failed because of a defect", failure);
    }
    return status;
  }

  private static Status code(int httpStatus) {
    return switch (httpStatus) {
      case 401 -> Status.UNAUTHENTICATED;
      case 403 -> Status.PERMISSION_DENIED;
      case 404 -> Status.NOT_FOUND;
      case 429 -> Status.RESOURCE_EXHAUSTED;
      case 503 -> Status.UNAVAILABLE;
      default -> httpStatus < 500 ? Status.INVALID_ARGUMENT : Status.INTERNAL;
    };
  }
}
