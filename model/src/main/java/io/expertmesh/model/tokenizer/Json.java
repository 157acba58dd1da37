package io.expertmesh.model.tokenizer;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.failure.IoReason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** JSON files of a checkpoint folder. */
final class Json {
  static final JsonMapper MAPPER = JsonMapper.shared();

  private Json() {}

  /** @throws FailureException INVALID_CHECKPOINT if {@code file} is unreadable or not a JSON object */
  static ObjectNode readObject(Path file) {
    try {
      return object(Files.readAllBytes(file), file.toString());
    } catch (IOException e) {
      throw new FailureException(FailureCategory.INVALID_CHECKPOINT,
          "%s: cannot be read (%s)".formatted(file, IoReason.of(e)), e);
    }
  }

  /** @throws FailureException INVALID_CHECKPOINT if {@code json} is not a JSON object */
  static ObjectNode object(byte[] json, String source) {
    try {
      JsonNode node = MAPPER.readTree(json);
      if (node instanceof ObjectNode object) {
        return object;
      }
      throw new FailureException(FailureCategory.INVALID_CHECKPOINT,
          "%s is not a JSON object but %s".formatted(source, node.getNodeType()));
    } catch (JacksonException e) {
      throw new FailureException(FailureCategory.INVALID_CHECKPOINT,
          "%s is not valid JSON: %s".formatted(source, e.getOriginalMessage()), e);
    }
  }

  static byte[] bytes(ObjectNode object) {
    return MAPPER.writeValueAsBytes(object);
  }
}
