package io.expertmesh.gateway.openai;

import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.gateway.http.JsonResponse;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.node.ObjectNode;

@RestController
final class ModelsController {
  private final ServedModel model;

  ModelsController(ServedModel model) {
    this.model = model;
  }

  @GetMapping("/v1/models")
  void list(HttpServletResponse response) throws IOException {
    ObjectNode list = Json.NODES.objectNode().put("object", "list");
    list.putArray("data").add(describe());
    JsonResponse.write(response, list);
  }

  /** Names of models may have slashes. */
  @GetMapping("/v1/models/{*name}")
  void get(@PathVariable String name, HttpServletResponse response) throws IOException {
    ModelName.check(name.substring(1), model);
    JsonResponse.write(response, describe());
  }

  private ObjectNode describe() {
    return Json.NODES.objectNode()
        .put("id", model.name())
        .put("object", "model")
        .put("created", model.loaded().getEpochSecond())
        .put("owned_by", "expertmesh")
        .put("max_model_len", model.contextLength());
  }
}
