package io.expertmesh.gateway.http;

import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import tools.jackson.databind.JsonNode;

/** Writes whole JSON answers. */
public final class JsonResponse {
  private JsonResponse() {}

  public static void write(HttpServletResponse response, JsonNode body) throws IOException {
    write(response, 200, body);
  }

  public static void write(HttpServletResponse response, ApiError error) throws IOException {
    error.headers().forEach(response::setHeader);
    write(response, error.status(), error.body());
  }

  public static void write(HttpServletResponse response, int status, JsonNode body) throws IOException {
    byte[] bytes = body.toString().getBytes(StandardCharsets.UTF_8);
    response.setStatus(status);
    response.setContentType("application/json");
    response.setContentLength(bytes.length);
    response.getOutputStream().write(bytes);
  }
}
