package io.expertmesh.router.leader;

/** There is no other router: this one leads. */
public final class SoleRouter implements Leadership {
  @Override
  public void start(Candidate candidate) {
    candidate.lead();
  }

  @Override
  public void close() {}
}
