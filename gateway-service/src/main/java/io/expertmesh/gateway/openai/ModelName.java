package io.expertmesh.gateway.openai;

import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.gateway.http.ApiError;
import io.expertmesh.gateway.http.ApiException;
import io.expertmesh.gateway.http.JsonFields;
import java.util.Map;

/** The {@code model} field; it may be left out because there is only one. */
public final class ModelName {
  private ModelName() {}

  /** @throws ApiException 404 if it names another model */
  static void check(JsonFields fields, ServedModel model) {
    String name = fields.string("model");
    if (name != null) {
      check(name, model);
    }
  }

  /** @throws ApiException 404 if it is another model's name */
  public static void check(String name, ServedModel model) {
    if (!model.answersTo(name)) {
      throw new ApiException(new ApiError(404,
          "The model '%s' is not served here; '%s' is.".formatted(name, model.name()), "invalid_request_error", "model",
          "model_not_found", Map.of()));
    }
  }
}
