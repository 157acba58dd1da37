package io.expertmesh.model.failure;

/** What kind of failure it is, and so who can do something about it. Services map each to an HTTP and a gRPC status. */
public enum FailureCategory {
  /** The request or the command is wrong; repeating it does not help. */
  INVALID_REQUEST,
  /** What was asked for does not exist (a model, a file). */
  NOT_FOUND,
  /** A model file is damaged, incomplete, or of a kind that is not supported. */
  INVALID_CHECKPOINT,
  /** The prompt does not fit the model's context or the cache; a smaller request would. */
  TOO_LARGE,
  /** Too much is going on; the same request may succeed later. */
  OVERLOADED,
  /** Something that is needed (an expert, a host, the engine itself) is not there now. */
  UNAVAILABLE,
  /** The caller gave up. */
  CANCELLED,
  /** A defect in ExpertMesh. */
  INTERNAL
}
