package io.expertmesh.router.placement;

import io.expertmesh.proto.v1.TableVersion;

/** What is known of the gateways' tables. */
public interface AcknowledgedVersions {
  /** Whether every gateway routes by {@code version} or a later one. */
  boolean byAll(TableVersion version);
}
