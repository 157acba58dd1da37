package io.expertmesh.simulator.events;

/** A request in a gateway. */
final class Request {
  final double arrived;
  /** The next token of the routing that it follows. */
  int position;
  int promptLeft;
  int generated;
  /** When its last token came; NaN before the first one, or if that was before the simulation. */
  double lastToken = Double.NaN;
  /** Rows in the step that runs. */
  int rows;

  Request(double arrived, int position, int promptLeft) {
    this.arrived = arrived;
    this.position = position;
    this.promptLeft = promptLeft;
  }
}
