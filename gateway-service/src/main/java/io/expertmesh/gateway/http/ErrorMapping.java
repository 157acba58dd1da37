package io.expertmesh.gateway.http;

import io.expertmesh.model.failure.FailureException;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.servlet.NoHandlerFoundException;
import org.springframework.web.servlet.resource.NoResourceFoundException;

/** The one place where failures become HTTP errors. */
public final class ErrorMapping {
  private static final Logger log = LoggerFactory.getLogger(ErrorMapping.class);

  private ErrorMapping() {}

  /** The error that a client sees for {@code failure}; what it must not see is logged and left out. */
  public static ApiError of(Throwable failure) {
    return switch (failure) {
      case ApiException api -> api.error();
      case FailureException known -> of(known);
      case NoHandlerFoundException unknown -> unknownPath(unknown.getHttpMethod(), unknown.getRequestURL());
      case NoResourceFoundException unknown ->
        unknownPath(unknown.getHttpMethod().name(), "/" + unknown.getResourcePath());
      case HttpRequestMethodNotSupportedException wrong -> wrongMethod(wrong);
      default -> {
        log.error("A request failed because of a defect", failure);
        yield internal();
      }
    };
  }

  private static ApiError of(FailureException failure) {
    String message = failure.getMessage() == null ? failure.category().name() : failure.getMessage();
    return switch (failure.category()) {
      case INVALID_REQUEST -> ApiError.badRequest(failure.parameter(), "invalid_value", message);
      case TOO_LARGE -> ApiError.badRequest(failure.parameter(), "context_length_exceeded", message);
      case NOT_FOUND ->
        new ApiError(404, message, ApiError.INVALID_REQUEST, failure.parameter(), "not_found", Map.of());
      case OVERLOADED -> ApiError.unavailable("overloaded", message, 1);
      case UNAVAILABLE -> ApiError.unavailable("unavailable", message, 5);
      case CANCELLED -> ApiError.unavailable("cancelled", message, 1);
      case INVALID_CHECKPOINT, INTERNAL -> {
        log.error("A request failed", failure);
        yield internal();
      }
    };
  }

  private static ApiError internal() {
    return new ApiError(500, "The server failed to answer this request; its log says why under this request's id.",
        ApiError.SERVER_ERROR, null, "internal_error", Map.of());
  }

  private static ApiError unknownPath(String method, String path) {
    return new ApiError(404, "There is no %s %s here; /openapi.json lists what there is.".formatted(method, path),
        ApiError.INVALID_REQUEST, null, "unknown_url", Map.of());
  }

  private static ApiError wrongMethod(HttpRequestMethodNotSupportedException wrong) {
    Set<?> allowed = wrong.getSupportedHttpMethods() == null ? Set.of() : wrong.getSupportedHttpMethods();
    String methods = String.join(", ", allowed.stream().map(Object::toString).sorted().toList());
    return new ApiError(405, "%s is not allowed here; use %s.".formatted(wrong.getMethod(), methods),
        ApiError.INVALID_REQUEST, null, "method_not_allowed", Map.of("Allow", methods));
  }
}
