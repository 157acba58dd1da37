package io.expertmesh.router.http;

import io.expertmesh.router.control.ControlSession;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.node.JsonNodeFactory;

/** Says whether the router works, and whether it leads. One that waits to lead is well too. */
@RestController
final class HealthController {
  private static final int PATIENCE_SECONDS = 2;

  private final ControlSession control;

  HealthController(ControlSession control) {
    this.control = control;
  }

  @GetMapping("/health")
  void health(HttpServletResponse response) throws IOException, InterruptedException {
    CompletableFuture<Boolean> leads = new CompletableFuture<>();
    control.execute(plane -> leads.complete(plane != null));
    try {
      boolean leader = leads.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
      response.setContentType("application/json");
      response.getOutputStream().write(JsonNodeFactory.instance.objectNode().put("status", "ready")
          .put("leader", leader).toString().getBytes(StandardCharsets.UTF_8));
    } catch (TimeoutException | ExecutionException stuck) {
      new HttpError(503, "stuck", "The router did not answer itself within %d s.".formatted(PATIENCE_SECONDS))
          .send(response);
    }
  }
}
