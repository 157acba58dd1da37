package io.expertmesh.gateway.security;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.web.filter.OncePerRequestFilter;

/** Holds each key to its requests and tokens per minute. Only requests that make work (POST) count. */
public final class RateLimitFilter extends OncePerRequestFilter {
  @Override
  protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    Caller caller = Caller.of(request);
    if (caller != null && "POST".equals(request.getMethod())) {
      try {
        caller.useRequest();
      } finally {
        describe(caller, response);
      }
    }
    chain.doFilter(request, response);
  }

  private static void describe(Caller caller, HttpServletResponse response) {
    for (KeyBudget budget : caller.budgets()) {
      response.setHeader("x-ratelimit-limit-" + budget.unit(), Integer.toString(budget.perMinute()));
      response.setHeader("x-ratelimit-remaining-" + budget.unit(), Integer.toString(Math.max(0, budget.left())));
      response.setHeader("x-ratelimit-reset-" + budget.unit(), budget.secondsToRefill() + "s");
    }
  }
}
