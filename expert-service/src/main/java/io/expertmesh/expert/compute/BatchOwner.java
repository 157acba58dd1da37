package io.expertmesh.expert.compute;

import io.expertmesh.proto.v1.ExpertResult;
import io.expertmesh.proto.v1.RejectionReason;

/** Who sent batches and hears what became of each. Called by the thread that computes, which must not be held up. */
public interface BatchOwner {
  void computed(Batch batch, ExpertResult result);

  void rejected(Batch batch, RejectionReason reason, String message);
}
