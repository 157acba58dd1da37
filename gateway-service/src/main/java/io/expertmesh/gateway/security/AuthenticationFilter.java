package io.expertmesh.gateway.security;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Set;
import org.springframework.web.filter.OncePerRequestFilter;

/** Lets only holders of a key in as soon as any key is configured; the health check and the empty page are open. */
public final class AuthenticationFilter extends OncePerRequestFilter {
  private static final Set<String> OPEN_PATHS = Set.of("/", "/page.js", "/page.css", "/health");

  private final Callers callers;

  public AuthenticationFilter(Callers callers) {
    this.callers = callers;
  }

  @Override
  protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    if (!OPEN_PATHS.contains(request.getRequestURI())) {
      Caller caller = callers.authenticate(request.getHeader("Authorization"));
      if (caller != null) {
        caller.attachTo(request);
      }
    }
    chain.doFilter(request, response);
  }
}
