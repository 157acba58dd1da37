package io.expertmesh.router.registry;

import io.expertmesh.proto.v1.RegisterResponse;
import io.grpc.Status;

/** The stream to a process. Called by the event loop only. */
public interface ProcessLink {
  /** Sends, unless the process does not read; what it missed is said again with the next answer. */
  void send(RegisterResponse response);

  /** Ends the stream. */
  void close(Status why);
}
