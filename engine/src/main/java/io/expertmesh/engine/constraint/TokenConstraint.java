package io.expertmesh.engine.constraint;

import java.util.BitSet;

/** Follows one answer token by token and says what may come next. Not thread-safe. */
public interface TokenConstraint {
  /** The ids that may come next; end tokens are not among them. The caller must not change it. */
  BitSet allowed();

  /** Whether the answer may end here. When it may and nothing else is allowed, the answer is complete. */
  boolean mayEnd();

  /** Takes the token that was chosen; it is one of {@link #allowed()}. */
  void accept(int tokenId);
}
