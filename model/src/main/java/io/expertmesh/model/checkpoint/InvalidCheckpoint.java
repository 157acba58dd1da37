package io.expertmesh.model.checkpoint;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.nio.file.Path;

/** The one wording of "this file is damaged or not supported": the file first, then what is wrong with it. */
final class InvalidCheckpoint {
  private InvalidCheckpoint() {}

  static FailureException in(Path file, String problem) {
    return new FailureException(FailureCategory.INVALID_CHECKPOINT, file + ": " + problem);
  }

  static FailureException in(Path file, String problem, Throwable cause) {
    return new FailureException(FailureCategory.INVALID_CHECKPOINT, file + ": " + problem, cause);
  }
}
