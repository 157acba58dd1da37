package io.expertmesh.router.leader;

import org.jspecify.annotations.Nullable;

/** Decides which of several routers leads. */
public interface Leadership extends AutoCloseable {
  /** Hears whether this router leads, on any thread. */
  interface Candidate {
    void lead();

    void follow();
  }

  /** Begins to strive for the lead. */
  void start(Candidate candidate);

  /** Who leads, as far as this router knows; null if it does not, or where only the machine knows. */
  default @Nullable RouterIdentity leader() {
    return null;
  }

  /** Gives the lead up, so that another can take it at once. */
  @Override
  void close();
}
