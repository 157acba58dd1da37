package io.expertmesh.transport;

import java.util.Locale;

/** What a process is to the others. Its certificate says so with a DNS name, such as {@code gateway.expertmesh}. */
public enum Role {
  GATEWAY, EXPERT, ROUTER;

  /** The subject alternative name of certificates for this role. One certificate may have several. */
  public String dnsName() {
    return name().toLowerCase(Locale.ROOT) + ".expertmesh";
  }
}
