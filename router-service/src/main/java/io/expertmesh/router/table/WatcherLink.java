package io.expertmesh.router.table;

import io.expertmesh.proto.v1.WatchRoutingTableResponse;
import io.grpc.Status;

/** The stream to a gateway. Called by the event loop only. */
public interface WatcherLink {
  /** Whether a message would be sent soon and not queued; if not, the table hears when it is. */
  boolean isReady();

  void send(WatchRoutingTableResponse response);

  /** Ends the stream. */
  void close(Status why);
}
