package io.expertmesh.engine.decoder;

/** An operation that is computed in this process. */
interface DenseLayer {
  /** delta = operation(normed) of the workspace; both are (rows, hidden). */
  void forward(Rows rows, Workspace space);
}
