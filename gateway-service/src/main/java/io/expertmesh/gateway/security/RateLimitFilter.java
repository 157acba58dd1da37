package io.expertmesh.gateway.security;

import io.expertmesh.gateway.http.ApiError;
import io.expertmesh.gateway.http.ApiException;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Map;
import org.springframework.web.filter.OncePerRequestFilter;

/** Holds each key to its requests and tokens per minute. Only requests that make work (POST) count. */
public final class RateLimitFilter extends OncePerRequestFilter {
  @Override
  protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    Caller caller = Caller.of(request);
    if (caller != null && "POST".equals(request.getMethod())) {
      for (KeyBudget budget : caller.budgets()) {
        if (budget.left() <= 0) {
          describe(caller, response);
          throw limited(budget);
        }
      }
      caller.useRequest();
      describe(caller, response);
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

  private static ApiException limited(KeyBudget budget) {
    int seconds = budget.secondsToRefill();
    return new ApiException(new ApiError(429,
        "This key has used its %d %s per minute; try again in %d s.".formatted(budget.perMinute(), budget.unit(),
            seconds),
        "rate_limit_error", null, "rate_limit_exceeded", Map.of("Retry-After", Integer.toString(seconds))));
  }
}
