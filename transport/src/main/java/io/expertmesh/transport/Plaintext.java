package io.expertmesh.transport;

/** No protection. */
public enum Plaintext implements LinkSecurity {
  /** Servers refuse to listen where other machines could reach them. */
  LOOPBACK,
  /** Somebody asked for it, for instance because the network encrypts. */
  ANYWHERE
}
