package io.expertmesh.router.admin;

/** A caller may not do what it asked for. */
public final class AccessDenied extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final boolean known;

  /** @param known whether another key would not help this caller, or no key would help anybody */
  AccessDenied(boolean known, String message) {
    super(message, null, false, false);
    this.known = known;
  }

  /** Whether it is known who calls (HTTP 403); otherwise a right key would help (401). */
  public boolean isKnown() {
    return known;
  }
}
