package io.expertmesh.engine.decoder;

import io.expertmesh.engine.kvcache.KvSequence;

/** The token rows of a step, one after the other. */
final class Rows {
  private final Step step;
  private final int[] chunks;
  private final int[] positions;

  Rows(Step step) {
    this.step = step;
    int count = step.rows();
    chunks = new int[count];
    positions = new int[count];
    int row = 0;
    for (int chunk = 0; chunk < step.chunks().size(); chunk++) {
      Step.Chunk c = step.chunks().get(chunk);
      for (int position = c.from(); position < c.to(); position++, row++) {
        chunks[row] = chunk;
        positions[row] = position;
      }
    }
  }

  int count() {
    return chunks.length;
  }

  int chunk(int row) {
    return chunks[row];
  }

  int position(int row) {
    return positions[row];
  }

  int tokenId(int row) {
    return step.chunks().get(chunks[row]).tokenIds()[positions[row]];
  }

  KvSequence cache(int row) {
    return step.chunks().get(chunks[row]).cache();
  }

  boolean wantsLogits(int row) {
    return positions[row] >= step.chunks().get(chunks[row]).logitsFrom();
  }
}
