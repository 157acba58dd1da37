package io.expertmesh.router.http;

import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * An error as a caller sees it: an HTTP status and {@code {"error": {"message", "code"}}}.
 *
 * @param code what programs can switch on
 * @param headers further response headers
 */
record HttpError(int status, String code, String message, Map<String, String> headers) {
  HttpError(int status, String code, String message) {
    this(status, code, message, Map.of());
  }

  byte[] body() {
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    body.putObject("error").put("message", message).put("code", code);
    return body.toString().getBytes(StandardCharsets.UTF_8);
  }

  void send(HttpServletResponse response) throws IOException {
    response.resetBuffer();
    response.setStatus(status);
    headers.forEach(response::setHeader);
    response.setContentType("application/json");
    response.getOutputStream().write(body());
  }
}
