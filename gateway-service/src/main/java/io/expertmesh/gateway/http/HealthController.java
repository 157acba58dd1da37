package io.expertmesh.gateway.http;

import io.expertmesh.gateway.Departure;
import io.expertmesh.gateway.EngineDrain;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.node.JsonNodeFactory;

@RestController
final class HealthController {
  private final EngineDrain drain;
  private final Departure departure;

  HealthController(EngineDrain drain, Departure departure) {
    this.drain = drain;
    this.departure = departure;
  }

  @GetMapping("/health")
  void health(HttpServletResponse response) throws IOException {
    if (drain.isRunning() && !departure.isAnnounced()) {
      JsonResponse.write(response, JsonNodeFactory.instance.objectNode().put("status", "ready"));
    } else {
      JsonResponse.write(response, ApiError.unavailable("stopping", "The server is stopping.", 5));
    }
  }
}
