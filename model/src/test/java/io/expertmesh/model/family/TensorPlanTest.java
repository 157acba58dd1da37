package io.expertmesh.model.family;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.checkpoint.Tensor;
import io.expertmesh.model.golden.GoldenCase;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

class TensorPlanTest {
  static List<String> goldenCases() {
    return GoldenCase.names();
  }

  @ParameterizedTest
  @MethodSource("goldenCases")
  void asksForWhatTransformersWrote(String name) {
    Checkpoint checkpoint = Checkpoint.open(GoldenCase.of(name).folder());
    TensorPlan plan = TensorPlan.of(checkpoint);

    assertThat(plan.differences(checkpoint)).matches(TensorPlan.Differences::none);
    assertThat(plan.architecture().experts() > 0).isEqualTo(plan.expertParameters() > 0);
    assertThat(plan.activeParameters()).isLessThanOrEqualTo(plan.parameters());
    BoundModel.of(checkpoint, new ScalarKernels());
  }

  @Test
  void namesEveryDifference() {
    Checkpoint whole = Checkpoint.open(GoldenCase.of("mixtral-full-f32").folder());
    Map<String, Tensor> tensors = new LinkedHashMap<>(whole.tensors());
    tensors.remove("model.norm.weight");
    Tensor router = requireNonNull(tensors.remove("model.layers.0.block_sparse_moe.gate.weight"));
    tensors.put("model.layers.0.self_attn.k_proj.weight", router);
    tensors.put("adapter.weight", router);

    TensorPlan.Differences differences = TensorPlan.of(new Changed(whole, tensors))
        .differences(new Changed(whole, tensors));
    assertThat(differences.missing())
        .containsExactlyInAnyOrder("model.norm.weight", "model.layers.0.block_sparse_moe.gate.weight");
    assertThat(differences.unknown()).containsExactly("adapter.weight");
    assertThat(differences.wrong()).singleElement().asString()
        .startsWith("model.layers.0.self_attn.k_proj.weight has shape " + router.shape() + ", but the configuration");
  }

  private record Changed(Checkpoint source, Map<String, Tensor> tensors) implements Checkpoint {
    @Override
    public Path location() {
      return source.location();
    }

    @Override
    public JsonNode config() {
      return source.config();
    }
  }
}
