package io.expertmesh.router.http;

import java.io.IOException;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;

/** Answers what Tomcat refuses by itself, such as a malformed request line, like all other errors. */
public final class ProtocolErrorValve extends ErrorReportValve {
  @Override
  protected void report(Request request, Response response, Throwable failure) {
    if (response.getStatus() < 400 || response.getContentWritten() > 0 || !response.setErrorReported()) {
      return;
    }
    HttpError error = new HttpError(response.getStatus(), "bad_http_request",
        "The HTTP request could not be understood, or did not arrive in time.");
    try {
      response.setContentType("application/json");
      response.getOutputStream().write(error.body());
      response.finishResponse();
    } catch (IOException disconnected) {
      // Nobody is left to read it.
    }
  }
}
