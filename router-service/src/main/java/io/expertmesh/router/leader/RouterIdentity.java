package io.expertmesh.router.leader;

/**
 * One of several routers, as it stands in their Lease: {@code NAME_HOST}.
 *
 * @param name unique among the routers that are there at one time, without underscores
 * @param host where the others reach it
 */
public record RouterIdentity(String name, String host) {
  /** What {@link #toString} gave; a name alone is a host too. */
  static RouterIdentity of(String text) {
    int end = text.indexOf('_');
    return end < 0
        ? new RouterIdentity(text, text)
        : new RouterIdentity(text.substring(0, end), text.substring(end + 1));
  }

  @Override
  public String toString() {
    return name + "_" + host;
  }
}
