package io.expertmesh.kernels;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Chooses the kernels once per process and says which and why. */
public final class KernelSelection {
  /** Names kernels to force, such as {@code scalar} or {@code vector-256}; they are used or the start fails. */
  public static final String PROPERTY = "expertmesh.kernels";

  private static final Logger LOG = System.getLogger(KernelSelection.class.getName());

  private KernelSelection() {}

  /** The kernels of this process. */
  public static Kernels kernels() {
    return Holder.KERNELS;
  }

  /** Bits of the widest vectors of this CPU; needs the module jdk.incubator.vector. */
  public static int widestVectorBits() {
    return VectorKernels.widestBits();
  }

  private static final class Holder {
    static final Kernels KERNELS = select(System.getProperty(PROPERTY));
  }

  private static Kernels select(@Nullable String forced) {
    boolean vectorModule = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
    if (forced == null) {
      if (!vectorModule) {
        LOG.log(Level.WARNING, "kernels: scalar, which is slow; start java with --add-modules jdk.incubator.vector");
        return new ScalarKernels();
      }
      return logged(new VectorKernels(), "the widest vectors of this CPU");
    }
    if (forced.equals("scalar")) {
      return logged(new ScalarKernels(), "forced by -D" + PROPERTY);
    }
    if (!forced.toLowerCase(Locale.ROOT).matches("vector-(128|256|512)")) {
      throw new IllegalStateException("-D%s=%s: the kernels are scalar, vector-128, vector-256 and vector-512"
          .formatted(PROPERTY, forced));
    }
    if (!vectorModule) {
      throw new IllegalStateException("-D%s=%s needs java to be started with --add-modules jdk.incubator.vector"
          .formatted(PROPERTY, forced));
    }
    int bits = Integer.parseInt(forced.substring("vector-".length()));
    int widest = VectorKernels.widestBits();
    if (bits > widest) {
      throw new IllegalStateException("-D%s=%s: this CPU's vectors have %d bits".formatted(PROPERTY, forced, widest));
    }
    System.setProperty("expertmesh.vector.bits", Integer.toString(bits));
    return logged(new VectorKernels(), "forced by -D" + PROPERTY);
  }

  private static Kernels logged(Kernels kernels, String why) {
    LOG.log(Level.INFO, "kernels: {0} ({1})", kernels.name(), why);
    return kernels;
  }
}
