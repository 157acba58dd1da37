package io.expertmesh.engine.experts;

import java.util.List;

/** The experts of one layer at work. */
@FunctionalInterface
public interface ExpertCall {
  /**
   * Waits for all outputs.
   *
   * @return the experts that no replica could compute, ascending, whose rows of the outputs are undefined; mostly empty
   */
  List<LostExpert> await();

  /**
   * An expert that could not be computed.
   *
   * @param reason for people
   */
  record LostExpert(int expertId, String reason) {}
}
