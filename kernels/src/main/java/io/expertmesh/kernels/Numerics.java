package io.expertmesh.kernels;

import java.util.Locale;

/** What the arithmetic promises. */
public enum Numerics {
  /** The bits are defined: any kernels, machine, batch, number of threads or shards give the same. */
  EXACT,
  /** The quickest kernels of the machine, within a published tolerance of {@link #EXACT}. */
  FAST;

  /** As options and reports write it. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
