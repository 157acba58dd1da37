package io.expertmesh.model.tokenizer;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;

/** Ids that a caller hands in. */
final class IdRange {
  private IdRange() {}

  /** @throws FailureException INVALID_REQUEST unless {@code 0 <= id < limit} */
  static int check(int id, int limit) {
    if (id < 0 || id >= limit) {
      throw new FailureException(FailureCategory.INVALID_REQUEST,
          "token id %d is outside the vocabulary; valid ids are 0 to %d".formatted(id, limit - 1));
    }
    return id;
  }
}
