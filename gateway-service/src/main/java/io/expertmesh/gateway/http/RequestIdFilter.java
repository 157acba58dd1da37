package io.expertmesh.gateway.http;

import io.expertmesh.telemetry.LogFields;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;
import org.springframework.web.filter.OncePerRequestFilter;

/** Gives every request an id, the client's own if it sent a sane one: in the response's {@code X-Request-Id} and the log. */
public final class RequestIdFilter extends OncePerRequestFilter {
  private static final String HEADER = "X-Request-Id";
  private static final String ATTRIBUTE = RequestIdFilter.class.getName();
  private static final Pattern SANE = Pattern.compile("[A-Za-z0-9._:-]{1,128}");

  public static String of(HttpServletRequest request) {
    return (String) request.getAttribute(ATTRIBUTE);
  }

  /** The id that a client sent if it is sane, otherwise a new one. */
  public static String choose(@Nullable String sent) {
    return sent != null && SANE.matcher(sent).matches() ? sent : "req-" + UUID.randomUUID();
  }

  @Override
  protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    String id = choose(request.getHeader(HEADER));
    request.setAttribute(ATTRIBUTE, id);
    response.setHeader(HEADER, id);
    try (var _ = MDC.putCloseable(LogFields.REQUEST_ID, id)) {
      chain.doFilter(request, response);
    }
  }
}
