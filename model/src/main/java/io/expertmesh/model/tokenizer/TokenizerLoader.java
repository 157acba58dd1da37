package io.expertmesh.model.tokenizer;

import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.checkpoint.GgufCheckpoint;
import io.expertmesh.model.checkpoint.GgufMetadata;
import io.expertmesh.model.checkpoint.QuantizedCheckpoint;
import io.expertmesh.model.failure.FailureException;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.databind.JsonNode;

/** Opens the tokenizer and the chat template of a checkpoint. */
public final class TokenizerLoader {
  private TokenizerLoader() {}

  /** @throws FailureException INVALID_CHECKPOINT if the checkpoint has no tokenizer, or not one that can be read */
  public static LoadedTokenizer load(Checkpoint checkpoint) {
    return switch (checkpoint) {
      case GgufCheckpoint gguf -> new GgufVocabulary(gguf.metadata()).load();
      case QuantizedCheckpoint quantized -> load(quantized.source());
      default -> new TokenizerFolder(checkpoint.location(), checkpoint.config()).load();
    };
  }

  /**
   * Without opening the model.
   *
   * @param location a Hugging Face folder or a GGUF file
   * @throws FailureException NOT_FOUND, or INVALID_CHECKPOINT if there is no tokenizer, or not one that can be read
   */
  public static LoadedTokenizer load(Path location) {
    if (Files.isDirectory(location)) {
      Path config = location.resolve("config.json");
      JsonNode model = Files.isRegularFile(config) ? Json.readObject(config) : Json.MAPPER.createObjectNode();
      return new TokenizerFolder(location, model).load();
    }
    return new GgufVocabulary(GgufMetadata.read(location)).load();
  }
}
