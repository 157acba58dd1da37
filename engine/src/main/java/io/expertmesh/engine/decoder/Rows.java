package io.expertmesh.engine.decoder;

import io.expertmesh.engine.kvcache.KvSequence;
import io.expertmesh.model.architecture.SinusoidalPositions;
import java.util.Objects;

/** Token rows of a step, one after the other: all of them or a run. */
final class Rows {
  private final Step step;
  private final int[] chunks;
  private final int[] positions;

  /**
   * @param from first row of the step
   * @param to end of the rows (exclusive)
   */
  Rows(Step step, int from, int to) {
    this.step = step;
    chunks = new int[to - from];
    positions = new int[to - from];
    int first = 0; // row of the step that the chunk begins with
    for (int chunk = 0; chunk < step.chunks().size(); chunk++) {
      Step.Chunk c = step.chunks().get(chunk);
      for (int row = Math.max(first, from); row < Math.min(first + c.rows(), to); row++) {
        chunks[row - from] = chunk;
        positions[row - from] = c.from() + row - first;
      }
      first += c.rows();
    }
  }

  int count() {
    return chunks.length;
  }

  /** Index of the row's chunk in the step. */
  int chunk(int row) {
    return chunks[row];
  }

  /** Rows of the prompt that begins with {@code row}; 0 where none begins. */
  int promptRows(int row) {
    if (positions[row] != 0) {
      return 0;
    }
    return Math.min(step.chunks().get(chunks[row]).promptTokens(), chunks.length - row);
  }

  int position(int row) {
    return positions[row];
  }

  int tokenId(int row) {
    return step.chunks().get(chunks[row]).tokenIds()[positions[row]];
  }

  /** What the positions of the model's embedding make of the row. */
  int position(SinusoidalPositions embedding, int row) {
    Step.Chunk chunk = step.chunks().get(chunks[row]);
    return embedding.of(chunk.tokenIds(), chunk.promptTokens(), positions[row]);
  }

  EncodedInput encoded(int row) {
    return Objects.requireNonNull(step.chunks().get(chunks[row]).encoded(), "the request has no encoded input");
  }

  KvSequence cache(int row) {
    return step.chunks().get(chunks[row]).cache();
  }

  boolean wantsLogits(int row) {
    return positions[row] >= step.chunks().get(chunks[row]).logitsFrom();
  }
}
