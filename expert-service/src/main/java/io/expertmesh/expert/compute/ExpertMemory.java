package io.expertmesh.expert.compute;

import java.lang.foreign.Arena;
import java.lang.foreign.SegmentAllocator;

/** Where the weights of one expert of a layer lie that cannot be used as the checkpoint's files have them. */
final class ExpertMemory implements AutoCloseable {
  /** Freed when it is closed, not when the garbage collector finds it: it is little on the heap and much beside it. */
  private final Arena arena = Arena.ofShared();

  SegmentAllocator allocator() {
    return arena;
  }

  @Override
  public void close() {
    arena.close();
  }
}
