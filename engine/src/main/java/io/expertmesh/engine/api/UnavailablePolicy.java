package io.expertmesh.engine.api;

/** What happens to a request when an expert that its gate chose is nowhere to be had. */
public enum UnavailablePolicy {
  /** It fails and says which expert is missing. */
  STRICT,
  /** It pauses until the expert is back and then goes on as if nothing had happened; it fails if that takes too long. */
  WAIT,
  /** The next best experts that are there take the place of the missing ones. */
  SUBSTITUTE,
  /** The other experts of the token take the weight of the missing ones. */
  DROP
}
