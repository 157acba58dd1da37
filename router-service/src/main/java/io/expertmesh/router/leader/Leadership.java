package io.expertmesh.router.leader;

/** Decides which of several routers leads. */
public interface Leadership extends AutoCloseable {
  /** Hears whether this router leads, on any thread. */
  interface Candidate {
    void lead();

    void follow();
  }

  /** Begins to strive for the lead. */
  void start(Candidate candidate);

  /** Gives the lead up, so that another can take it at once. */
  @Override
  void close();
}
