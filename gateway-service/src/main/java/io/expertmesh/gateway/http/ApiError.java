package io.expertmesh.gateway.http;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * An error as a client sees it: an HTTP status and OpenAI's envelope
 * {@code {"error": {"message", "type", "param", "code"}}}.
 *
 * @param parameter the request field at fault
 * @param code what programs can switch on
 * @param headers further response headers
 */
public record ApiError(int status, String message, String type, @Nullable String parameter, @Nullable String code,
    Map<String, String> headers) {
  static final String INVALID_REQUEST = "invalid_request_error";
  static final String SERVER_ERROR = "server_error";

  public ApiError {
    headers = Map.copyOf(headers);
  }

  /** 400: the request is wrong. */
  public static ApiError badRequest(@Nullable String parameter, String code, String message) {
    return new ApiError(400, message, INVALID_REQUEST, parameter, code, Map.of());
  }

  /** 503: the same request may succeed after {@code retryAfterSeconds}. */
  public static ApiError unavailable(String code, String message, int retryAfterSeconds) {
    return new ApiError(503, message, SERVER_ERROR, null, code,
        Map.of("Retry-After", Integer.toString(retryAfterSeconds)));
  }

  /** The envelope. */
  public ObjectNode body() {
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    body.putObject("error").put("message", message).put("type", type).put("param", parameter).put("code", code);
    return body;
  }
}
