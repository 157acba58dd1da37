package io.expertmesh.gateway.security;

import io.expertmesh.gateway.http.ApiError;
import io.expertmesh.gateway.http.ApiException;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** The holders of the configured keys, each with one budget however it calls. */
public final class Callers {
  private static final String SCHEME = "Bearer ";

  private final List<Caller> callers;

  /** @param nanoClock the time that the budgets per minute go by */
  public Callers(List<ApiKey> keys, LongSupplier nanoClock) {
    this.callers = keys.stream().map(key -> new Caller(key, nanoClock)).toList();
  }

  /**
   * Who sends {@code authorization}.
   *
   * @return null where no keys are configured
   * @throws ApiException 401 if it is not {@code Bearer} and a configured key
   */
  public @Nullable Caller authenticate(@Nullable String authorization) {
    if (callers.isEmpty()) {
      return null;
    }
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
