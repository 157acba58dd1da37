package io.expertmesh.gateway.page;

import io.expertmesh.gateway.http.JsonResponse;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The description of the API; it is written by hand, and tests compare it with the code. */
@RestController
final class OpenApiController {
  private volatile @Nullable JsonNode document;

  @GetMapping("/openapi.json")
  void openApi(HttpServletResponse response) throws IOException {
    JsonNode known = document;
    if (known == null) {
      known = read();
      document = known;
    }
    JsonResponse.write(response, known);
  }

  private static JsonNode read() throws IOException {
    try (InputStream file = Resources.open("/io/expertmesh/gateway/openapi.yaml")) {
      Object yaml = new Yaml(new SafeConstructor(new LoaderOptions())).load(file);
      return JsonMapper.shared().valueToTree(yaml);
    }
  }
}
