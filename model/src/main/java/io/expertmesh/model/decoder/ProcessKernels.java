package io.expertmesh.model.decoder;

import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;

/** The kernels of this process, or a failure for whoever forced others. */
public final class ProcessKernels {
  private ProcessKernels() {}

  /**
   * The kernels that {@link KernelSelection} chose.
   *
   * @param numerics what they must promise at least
   * @throws FailureException INVALID_REQUEST if they promise less, or those that were forced cannot run here
   */
  public static Kernels promising(Numerics numerics) {
    Kernels kernels = selected();
    if (numerics == Numerics.EXACT && kernels.numerics() != Numerics.EXACT) {
      throw new FailureException(FailureCategory.INVALID_REQUEST,
          "the kernels %s are not exact; leave out -D%s".formatted(kernels.name(), KernelSelection.PROPERTY));
    }
    return kernels;
  }

  private static Kernels selected() {
    try {
      return KernelSelection.kernels();
    } catch (ExceptionInInitializerError failed) {
      if (failed.getCause() instanceof IllegalStateException forced) {
        throw new FailureException(FailureCategory.INVALID_REQUEST, String.valueOf(forced.getMessage()), forced);
      }
      throw failed;
    }
  }
}
