package io.expertmesh.gateway.remote;

import io.expertmesh.proto.v1.DType;
import io.expertmesh.proto.v1.Fingerprint;
import io.grpc.ManagedChannel;
import java.util.function.Function;

/**
 * What all links of a gateway have in common.
 *
 * @param gateway the gateway's name
 * @param fingerprint of the model that it serves, with the digests of all experts
 * @param wire type of the numbers in answers
 * @param connect opens a channel to host:port that runs callbacks at once
 * @param control the one thread that links change their state on
 * @param changed to be called there when what a link can do has changed
 */
record LinkSetup(String gateway, Fingerprint fingerprint, DType wire, Function<String, ManagedChannel> connect,
    ControlThread control, Runnable changed) {
  /** Whether answers must have the bits that any other process would compute. */
  boolean exact() {
    return fingerprint.getNumerics().equals("exact");
  }
}
