package io.expertmesh.gateway.http;

import io.expertmesh.web.ProtocolErrorValve;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Puts what Tomcat refuses by itself into the same envelope as all other errors. */
public final class RefusedHttp extends ProtocolErrorValve {
  @Override
  protected byte[] body(int status) {
    return new ApiError(status, MESSAGE, ApiError.INVALID_REQUEST, null, CODE, Map.of()).body().toString()
        .getBytes(StandardCharsets.UTF_8);
  }
}
