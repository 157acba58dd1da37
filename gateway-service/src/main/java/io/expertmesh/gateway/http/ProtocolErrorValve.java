package io.expertmesh.gateway.http;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;

/** Puts what Tomcat refuses by itself, such as a malformed request line, into the same envelope as all other errors. */
public final class ProtocolErrorValve extends ErrorReportValve {
  @Override
  protected void report(Request request, Response response, Throwable failure) {
    if (response.getStatus() < 400 || response.getContentWritten() > 0 || !response.setErrorReported()) {
      return;
    }
    ApiError error = new ApiError(response.getStatus(),
        "The HTTP request could not be understood, or did not arrive in time.",
        ApiError.INVALID_REQUEST, null, "bad_http_request", Map.of());
    try {
      response.setContentType("application/json");
      response.getOutputStream().write(error.body().toString().getBytes(StandardCharsets.UTF_8));
      response.finishResponse();
    } catch (IOException disconnected) {
      // Nobody is left to read it.
    }
  }
}
