package io.expertmesh.engine.decoder;

import io.expertmesh.engine.api.UnavailablePolicy;
import io.expertmesh.engine.experts.CallOrigin;
import io.expertmesh.engine.kvcache.KvSequence;
import io.expertmesh.engine.watch.StepWatch;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The token rows that go through the model together: chunks of one or more sequences, each at most once.
 *
 * @param origin whose they are, for logs
 * @param watch null if nobody watches
 */
public record Step(List<Chunk> chunks, CallOrigin origin, @Nullable StepWatch watch) {
  /**
   * Consecutive tokens of one sequence.
   *
   * @param cache holds the positions before {@code from} and has room for those up to {@code to}
   * @param tokenIds the whole sequence
   * @param promptTokens how many of them go through the model together: the prompt
   * @param from first position
   * @param to end of the positions (exclusive)
   * @param logitsFrom logits are computed for the positions from here to {@code to}
   * @param encoded what cross-attention sees; null for a model without an encoder
   * @param policy what happens when experts of its tokens are missing
   */
  public record Chunk(KvSequence cache, int[] tokenIds, int promptTokens, int from, int to, int logitsFrom,
      @Nullable EncodedInput encoded, UnavailablePolicy policy) {
    /** Token rows. */
    public int rows() {
      return to - from;
    }
  }

  public Step {
    chunks = List.copyOf(chunks);
  }

  /** A step that nobody asks after. */
  public Step(List<Chunk> chunks) {
    this(chunks, CallOrigin.NONE, null);
  }

  /** {@code row}, or the nearest row before which a cut leaves every prompt in one piece. */
  int borderNear(int row) {
    int first = 0; // row that the chunk begins with
    for (Chunk chunk : chunks) {
      int promptEnd = first + (chunk.from() == 0 ? Math.min(chunk.promptTokens(), chunk.rows()) : 0);
      if (row > first && row < promptEnd) {
        return row - first < promptEnd - row ? first : promptEnd;
      }
      first += chunk.rows();
    }
    return row;
  }

  /** All token rows. */
  public int rows() {
    int rows = 0;
    for (Chunk chunk : chunks) {
      rows += chunk.rows();
    }
    return rows;
  }
}
