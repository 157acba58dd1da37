package io.expertmesh.gateway.trace;

import io.expertmesh.gateway.http.RequestIdFilter;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import io.opentelemetry.context.propagation.TextMapGetter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Collections;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.servlet.HandlerMapping;

/** A span for every HTTP request, within the client's trace if it sends one. */
public final class TraceFilter extends OncePerRequestFilter {
  /** Asked every few seconds, by machines. */
  private static final Set<String> UNTRACED = Set.of("/health", "/metrics");

  private final Traces traces;

  public TraceFilter(Traces traces) {
    this.traces = traces;
  }

  @Override
  protected boolean shouldNotFilter(HttpServletRequest request) {
    return UNTRACED.contains(request.getRequestURI());
  }

  @Override
  protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    Context client = traces.telemetry().propagator().extract(Context.root(), request, Headers.INSTANCE);
    Span span = traces.telemetry().tracer().spanBuilder(request.getMethod()).setParent(client)
        .setSpanKind(SpanKind.SERVER)
        .setAttribute(AttributeNames.HTTP_METHOD, request.getMethod())
        .setAttribute(AttributeNames.URL_PATH, request.getRequestURI())
        .setAttribute(AttributeNames.URL_SCHEME, request.getScheme())
        .setAttribute(AttributeNames.REQUEST_ID, RequestIdFilter.of(request))
        .startSpan();
    Context context = client.with(span);
    try (Scope _ = context.makeCurrent(); var _ = Traces.identified(context)) {
      chain.doFilter(request, response);
    } finally {
      Object route = request.getAttribute(HandlerMapping.BEST_MATCHING_PATTERN_ATTRIBUTE);
      if (route != null) {
        span.setAttribute(AttributeNames.HTTP_ROUTE, route.toString());
        span.updateName(request.getMethod() + " " + route);
      }
      int status = response.getStatus();
      span.setAttribute(AttributeNames.HTTP_STATUS, (long) status);
      if (status >= 500) {
        span.setAttribute(AttributeNames.ERROR_TYPE, Integer.toString(status)).setStatus(StatusCode.ERROR);
      }
      span.end();
    }
  }

  private enum Headers implements TextMapGetter<HttpServletRequest> {
    INSTANCE;

    @Override
    public Iterable<String> keys(HttpServletRequest request) {
      return Collections.list(request.getHeaderNames());
    }

    @Override
    public @Nullable String get(@Nullable HttpServletRequest request, String name) {
      return request == null ? null : request.getHeader(name);
    }
  }
}
