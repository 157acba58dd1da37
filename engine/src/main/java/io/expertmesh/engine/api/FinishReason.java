package io.expertmesh.engine.api;

/** Why a request ended by itself. */
public enum FinishReason {
  /** An end token, a stop token or the end of the grammar. */
  STOP,
  /** {@code maxTokens} were generated or the context is full. */
  LENGTH
}
