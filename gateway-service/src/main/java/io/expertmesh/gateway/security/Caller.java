package io.expertmesh.gateway.security;

import io.expertmesh.gateway.http.ApiError;
import io.expertmesh.gateway.http.ApiException;
import jakarta.servlet.http.HttpServletRequest;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Who sends a request: the holder of a key with what it may use. */
public final class Caller {
  private static final String ATTRIBUTE = Caller.class.getName();

  private final ApiKey key;
  private final @Nullable KeyBudget requests;
  private final @Nullable KeyBudget tokens;

  Caller(ApiKey key, LongSupplier nanoClock) {
    this.key = key;
    this.requests = budget("requests", key.requestsPerMinute(), nanoClock);
    this.tokens = budget("tokens", key.tokensPerMinute(), nanoClock);
  }

  private static @Nullable KeyBudget budget(String unit, @Nullable Integer perMinute, LongSupplier nanoClock) {
    return perMinute == null ? null : new KeyBudget(unit, perMinute, nanoClock);
  }

  /** The caller of {@code request}; null where no keys are configured. */
  public static @Nullable Caller of(HttpServletRequest request) {
    return (Caller) request.getAttribute(ATTRIBUTE);
  }

  void attachTo(HttpServletRequest request) {
    request.setAttribute(ATTRIBUTE, this);
  }

  ApiKey key() {
    return key;
  }

  /** The name of the key. */
  public String name() {
    return key.name();
  }

  List<KeyBudget> budgets() {
    return Stream.of(requests, tokens).filter(Objects::nonNull).toList();
  }

  /**
   * Takes a request from the budget.
   *
   * @throws ApiException 429 if the minute's requests or tokens are used up
   */
  public void useRequest() {
    for (KeyBudget budget : budgets()) {
      if (budget.left() <= 0) {
        throw limited(budget);
      }
    }
    if (requests != null) {
      requests.use(1);
    }
  }

  private static ApiException limited(KeyBudget budget) {
    int seconds = budget.secondsToRefill();
    return new ApiException(new ApiError(429,
        "This key has used its %d %s per minute; try again in %d s.".formatted(budget.perMinute(), budget.unit(),
            seconds),
        "rate_limit_error", null, "rate_limit_exceeded", Map.of("Retry-After", Integer.toString(seconds))));
  }

  /** Takes prompt and generated tokens from the budget. */
  public void useTokens(int count) {
    if (tokens != null) {
      tokens.use(count);
    }
  }
}
