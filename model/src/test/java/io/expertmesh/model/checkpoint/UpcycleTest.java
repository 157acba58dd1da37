package io.expertmesh.model.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.model.decoder.ReferenceDecoder;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.BoundModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A mixture whose experts are all the dense network computes what the dense model does. */
class UpcycleTest {
  private static final Path DENSE = Path.of("src/test/resources/golden/gguf/llama-plain-f32.gguf");
  private static final int[] PROMPT = {5, 17, 3, 40, 41, 2};
  private static final float TOLERANCE = 1e-4f;

  @TempDir
  Path folder;

  @Test
  void theLogitsAreThoseOfTheDenseModel() {
    Path sparse = folder.resolve("sparse.gguf");
    Convert.Result result = Upcycle.toGguf(DENSE, sparse, 5, 2, Progress.NONE);
    assertThat(result.file()).hasSize(result.bytes());

    BoundModel model = BoundModel.of(Checkpoint.open(sparse), new ScalarKernels());
    assertThat(model.architecture().modelType()).isEqualTo("mixtral");
    assertThat(model.architecture().experts()).isEqualTo(5);
    List<Integer> used = new ArrayList<>();
    float[] actual = new ReferenceDecoder(model.architecture(), model.weights(), (stage, values) -> {
      if (stage.endsWith("expert_ids")) {
        for (float id : values) {
          used.add((int) id);
        }
      }
    }).logits(PROMPT);
    assertThat(used.stream().distinct()).as("the router chooses").hasSizeGreaterThan(2);

    BoundModel dense = BoundModel.of(Checkpoint.open(DENSE), new ScalarKernels());
    float[] expected = new ReferenceDecoder(dense.architecture(), dense.weights(), (stage, values) -> {})
        .logits(PROMPT);
    for (int i = 0; i < expected.length; i++) {
      assertThat(Math.abs(actual[i] - expected[i])).isLessThanOrEqualTo(TOLERANCE);
    }
  }

  @Test
  void whatCannotBeUpcycledIsRefused() {
    Path out = folder.resolve("out.gguf");
    assertThatThrownBy(() -> Upcycle.toGguf(DENSE, out, 1, 1, Progress.NONE))
        .isInstanceOf(FailureException.class).hasMessageContaining("2 to 4096");
    assertThatThrownBy(() -> Upcycle.toGguf(DENSE, out, 4, 5, Progress.NONE))
        .isInstanceOf(FailureException.class).hasMessageContaining("--top-k is 5");
    assertThatThrownBy(() -> Upcycle.toGguf(DENSE.resolveSibling("mixtral-full-f32.gguf"), out, 4, 2, Progress.NONE))
        .isInstanceOf(FailureException.class).hasMessageContaining("no dense model");
    assertThat(out).doesNotExist();
  }
}
