package io.expertmesh.gateway.security;

import io.expertmesh.gateway.http.ApiError;
import io.expertmesh.gateway.http.ApiException;
import java.util.Map;
import org.springframework.http.server.ServerHttpResponse;
import org.springframework.web.cors.DefaultCorsProcessor;

/** Refuses web pages of other origins in the envelope that all errors have. */
public final class OriginRefusal extends DefaultCorsProcessor {
  @Override
  protected void rejectRequest(ServerHttpResponse response) {
    throw new ApiException(new ApiError(403,
        "Web pages of this origin may not call this server; 'allowed-origins' in its configuration lists those that may.",
        "permission_error", null, "origin_not_allowed", Map.of()));
  }
}
