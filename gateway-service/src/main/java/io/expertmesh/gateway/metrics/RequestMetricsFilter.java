package io.expertmesh.gateway.metrics;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.servlet.HandlerMapping;

/** Counts requests by endpoint and status, and logs each at debug level. */
public final class RequestMetricsFilter extends OncePerRequestFilter {
  private static final Logger log = LoggerFactory.getLogger("io.expertmesh.gateway.requests");

  private final ServingMetrics metrics;

  public RequestMetricsFilter(ServingMetrics metrics) {
    this.metrics = metrics;
  }

  @Override
  protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    long start = System.nanoTime();
    try {
      chain.doFilter(request, response);
    } finally {
      long nanos = System.nanoTime() - start;
      metrics.request(endpoint(request), Integer.toString(response.getStatus()), nanos);
      log.debug("{} {} {} in {} ms", request.getMethod(), request.getRequestURI(), response.getStatus(),
          nanos / 1_000_000);
    }
  }

  /** The route, never the path: paths are the client's choice and have no bound. */
  private static String endpoint(HttpServletRequest request) {
    Object route = request.getAttribute(HandlerMapping.BEST_MATCHING_PATTERN_ATTRIBUTE);
    return route == null ? "other" : route.toString();
  }
}
