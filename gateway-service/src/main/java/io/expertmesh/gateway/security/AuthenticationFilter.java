package io.expertmesh.gateway.security;

import io.expertmesh.gateway.http.ApiError;
import io.expertmesh.gateway.http.ApiException;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.springframework.web.filter.OncePerRequestFilter;

/** Lets only holders of a key in as soon as any key is configured; the health check and the empty page are open. */
public final class AuthenticationFilter extends OncePerRequestFilter {
  private static final Set<String> OPEN_PATHS = Set.of("/", "/page.js", "/page.css", "/health");
  private static final String SCHEME = "Bearer ";

  private final List<Caller> callers;

  /** @param nanoClock the time that the budgets per minute go by */
  public AuthenticationFilter(List<ApiKey> keys, LongSupplier nanoClock) {
    this.callers = keys.stream().map(key -> new Caller(key, nanoClock)).toList();
  }

  @Override
  protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    if (!callers.isEmpty() && !OPEN_PATHS.contains(request.getRequestURI())) {
      authenticate(request.getHeader("Authorization")).attachTo(request);
    }
    chain.doFilter(request, response);
  }

  private Caller authenticate(@Nullable String authorization) {
    if (authorization == null || !authorization.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
      throw unauthorized("This server needs an API key: send 'Authorization: Bearer KEY'.");
    }
    String sent = authorization.substring(SCHEME.length()).strip();
    Caller caller = null;
    for (Caller candidate : callers) {
      if (candidate.key().matches(sent)) {
        caller = candidate;
      }
    }
    if (caller == null) {
      throw unauthorized("The API key is wrong.");
    }
    return caller;
  }

  private static ApiException unauthorized(String message) {
    return new ApiException(new ApiError(401, message, "authentication_error", null, "invalid_api_key",
        Map.of("WWW-Authenticate", "Bearer realm=\"expertmesh\"")));
  }
}
