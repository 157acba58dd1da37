package io.expertmesh.model.checkpoint;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.failure.IoReason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** JSON files of a model folder. */
public final class JsonFile {
  private static final long MAX_BYTES = 100_000_000;

  // Python writes Infinity and NaN into configuration files.
  private static final JsonMapper MAPPER = JsonMapper.builder()
      .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
      .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
      .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
      .build();

  private JsonFile() {}

  /** The folder's {@code config.json}. */
  public static JsonNode config(Path folder) {
    Path file = folder.resolve("config.json");
    if (!Files.exists(file)) {
      throw InvalidCheckpoint.in(folder, "holds no config.json; pass a Hugging Face model folder or a .gguf file");
    }
    return read(file);
  }

  /** The object in {@code file}; anything but one well-formed object is a failure. */
  static JsonNode read(Path file) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw InvalidCheckpoint.in(file,
            "is %d bytes long; at most %d are read".formatted(Files.size(file), MAX_BYTES));
      }
      JsonNode node = MAPPER.readTree(Files.readAllBytes(file));
      if (!node.isObject()) {
        throw InvalidCheckpoint.in(file, "is not a JSON object");
      }
      return node;
    } catch (NoSuchFileException e) {
      throw new FailureException(FailureCategory.NOT_FOUND, file + ": no such file", e);
    } catch (IOException e) {
      throw InvalidCheckpoint.in(file, "cannot be read (" + IoReason.of(e) + ")", e);
    } catch (JacksonException e) {
      throw InvalidCheckpoint.in(file, "is not valid JSON (%s)".formatted(e.getOriginalMessage()), e);
    }
  }
}
