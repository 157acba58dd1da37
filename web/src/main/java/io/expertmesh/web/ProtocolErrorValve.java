package io.expertmesh.web;

import java.io.IOException;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;

/** Answers what Tomcat refuses by itself, such as a malformed request line, like all other errors of a service. */
public abstract class ProtocolErrorValve extends ErrorReportValve {
  /** What such errors are called. */
  protected static final String CODE = "bad_http_request";
  protected static final String MESSAGE = "The HTTP request could not be understood, or did not arrive in time.";

  /** The body of the response: JSON. */
  protected abstract byte[] body(int status);

  @Override
  protected final void report(Request request, Response response, Throwable failure) {
    if (response.getStatus() < 400 || response.getContentWritten() > 0 || !response.setErrorReported()) {
      return;
    }
    try {
      response.setContentType("application/json");
      response.getOutputStream().write(body(response.getStatus()));
      response.finishResponse();
    } catch (IOException disconnected) {
      // Nobody is left to read it.
    }
  }
}
