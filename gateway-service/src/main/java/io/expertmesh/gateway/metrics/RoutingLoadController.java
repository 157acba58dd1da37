package io.expertmesh.gateway.metrics;

import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.gateway.http.JsonResponse;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Tokens by layer and single expert: too many numbers for metrics, so a snapshot to ask for. */
@RestController
final class RoutingLoadController {
  private final ServedModel model;

  RoutingLoadController(ServedModel model) {
    this.model = model;
  }

  @GetMapping("/v1/expertmesh/routing/load")
  void load(HttpServletResponse response) throws IOException {
    ObjectNode body = JsonNodeFactory.instance.objectNode().put("model", model.name()).put("experts", model.experts());
    ArrayNode layers = body.putArray("moe_layers");
    model.moeLayers().forEach(layers::add);
    ArrayNode tokens = body.putArray("tokens");
    for (long[] layer : model.engine().tokensPerExpert()) {
      ArrayNode byExpert = tokens.addArray();
      for (long count : layer) {
        byExpert.add(count);
      }
    }
    JsonResponse.write(response, body);
  }
}
