package io.expertmesh.telemetry;

/** What the log lines of a request have in SLF4J's MDC, under the names of the Elastic Common Schema. */
public final class LogFields {
  /** The request's id, which the client knows as {@code x-request-id}; several are separated by commas. */
  public static final String REQUEST_ID = "http.request.id";
  /** Of the request's trace, if it is sampled: 32 hexadecimal digits. */
  public static final String TRACE_ID = "trace.id";

  private LogFields() {}
}
