package io.expertmesh.cli;

import io.expertmesh.cli.cluster.ClusterLayout;
import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.model.checkpoint.Progress;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.ModelExperts;
import java.util.List;
import picocli.CommandLine.Option;

/** The types that the groups of a cluster hold their experts in. */
final class ExpertTypeOptions {
  @Option(
      names = "--expert-dtype",
      paramLabel = "TYPE",
      split = ",",
      description = "The type that expert processes hold their experts in: ${COMPLETION-CANDIDATES}; the groups take "
          + "several in turn. Not with --numerics exact. Default: stored, as the model is.")
  private List<ExpertType> types = List.of();

  /** Whether the user says anything of them. */
  boolean isGiven() {
    return !types.isEmpty();
  }

  /**
   * @param auto whether the router places experts, so that there are no groups
   * @throws FailureException INVALID_REQUEST if experts of the model cannot be held so
   */
  ClusterLayout apply(ClusterLayout layout, ModelOptions model, boolean auto) {
    if (!isGiven()) {
      return layout;
    }
    if (auto && types.stream().distinct().count() > 1) {
      throw FailureException.invalidParameter("--expert-dtype", """
          --expert-dtype is %s, one for each group in turn, and with --auto there are no groups: give one type"""
          .formatted(types));
    }
    ModelExperts experts = ModelExperts.of(model.checkpoint(Progress.NONE), KernelSelection.kernels());
    for (ExpertType type : types) {
      experts.heldAs(type.dtype(), model.numerics());
    }
    return layout.holding(types.stream().map(ExpertType::name).toList());
  }
}
