package io.expertmesh.model.family;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.checkpoint.Convert;
import io.expertmesh.model.checkpoint.Progress;
import io.expertmesh.model.checkpoint.QuantizedCheckpoint;
import io.expertmesh.model.decoder.LayerExperts;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelFingerprintTest {
  private static final Path DEMO = Path.of("../models/demo");

  @TempDir
  private Path folder;

  @Test
  void saysWhatDecidesTheNumbers() {
    ModelFingerprint demo = of(Checkpoint.open(DEMO));
    assertThat(demo.shape()).isEqualTo("olmoe layers=4 experts=16 hidden=192 expert=96");
    assertThat(demo.dtype()).isEqualTo("bf16");
    assertThat(demo.numerics()).isEqualTo("exact");
    assertThat(demo.arithmetic()).isEqualTo("fma16-1");
    assertThat(demo.version()).matches("[0-9a-f]{12}");
    assertThat(demo.expertDigests()).hasSize(16).doesNotHaveDuplicates().allMatch(digest -> digest.length() == 32);
    assertThat(of(Checkpoint.open(DEMO))).isEqualTo(demo);
    ModelExperts experts = ModelExperts.of(Checkpoint.open(DEMO), KernelSelection.kernels());
    assertThat(ModelFingerprint.of(experts, KernelSelection.kernels().numerics(), Numerics.FAST, "v2"))
        .returns("v2", ModelFingerprint::version)
        .returns("fast", ModelFingerprint::numerics)
        .returns(demo.expertDigests(), ModelFingerprint::expertDigests);
  }

  @Test
  void tellsQuantisationsApart() {
    ModelFingerprint demo = of(Checkpoint.open(DEMO));
    ModelFingerprint q8 = of(QuantizedCheckpoint.of(Checkpoint.open(DEMO), DType.Q8_0, Progress.NONE));
    ModelFingerprint q4 = of(QuantizedCheckpoint.of(Checkpoint.open(DEMO), DType.Q4_0, Progress.NONE));
    assertThat(q8.dtype()).isEqualTo("q8_0");
    assertThat(List.of(demo.version(), q8.version(), q4.version())).doesNotHaveDuplicates();
    assertThat(List.of(demo.expertDigests().get(3), q8.expertDigests().get(3), q4.expertDigests().get(3)))
        .doesNotHaveDuplicates();
  }

  @Test
  void theTypeThatExpertsAreHeldInLeavesTheDigests() {
    ModelFingerprint demo = of(Checkpoint.open(DEMO));
    Kernels kernels = KernelSelection.kernels();
    ModelExperts experts = ModelExperts.of(Checkpoint.open(DEMO), kernels).heldAs(DType.Q8_0, Numerics.FAST);
    ModelFingerprint held = ModelFingerprint.of(experts, kernels.numerics(), kernels.numerics(), null);
    assertThat(held).usingRecursiveComparison().ignoringFields("heldDtype", "arithmetic").isEqualTo(demo);
    assertThat(demo.heldDtype()).isEqualTo("bf16");
    assertThat(held.heldDtype()).isEqualTo("q8_0");
    assertThat(held.arithmetic()).as("results do not follow from the model's weights bit for bit").isEmpty();
    ModelExperts same = ModelExperts.of(Checkpoint.open(DEMO), kernels).heldAs(DType.BF16, Numerics.EXACT);
    assertThat(ModelFingerprint.of(same, kernels.numerics(), kernels.numerics(), null)).isEqualTo(demo);
  }

  @Test
  void aChangedExpertIsAnotherAndTheRestStay() throws IOException {
    Path file = folder.resolve("demo.gguf");
    Convert.toGguf(DEMO, file, DType.F16, Progress.NONE);
    ModelFingerprint before = of(Checkpoint.open(file));
    int expert = 5;
    long end = lastByteOf(Checkpoint.open(file), expert);
    Path changed = Files.copy(file, folder.resolve("changed.gguf"));
    try (RandomAccessFile bytes = new RandomAccessFile(changed.toFile(), "rw")) {
      bytes.seek(end);
      int value = bytes.read();
      bytes.seek(end);
      bytes.write(value ^ 1);
    }
    ModelFingerprint after = of(Checkpoint.open(changed));
    List<Integer> different = new ArrayList<>();
    for (int id = 0; id < 16; id++) {
      if (!before.expertDigests().get(id).equals(after.expertDigests().get(id))) {
        different.add(id);
      }
    }
    assertThat(different).containsExactly(expert);
    assertThat(after.version()).isNotEqualTo(before.version());
  }

  /** Where the last byte of layer 1's down matrix of {@code expert} lies in the file. */
  private static long lastByteOf(Checkpoint checkpoint, int expert) throws IOException {
    byte[] wanted = ModelExperts.of(checkpoint, new ScalarKernels()).stored(1, expert).down().stored().data()
        .toArray(ValueLayout.JAVA_BYTE);
    byte[] all = Files.readAllBytes(checkpoint.location());
    for (int at = 0; at + wanted.length <= all.length; at++) {
      if (Arrays.equals(all, at, at + wanted.length, wanted, 0, wanted.length)) {
        return (long) at + wanted.length - 1;
      }
    }
    throw new AssertionError("the matrix is not in the file");
  }

  @Test
  void onlySelectedExpertsAreLoaded() {
    List<Long> progress = new ArrayList<>();
    Checkpoint quantized = QuantizedCheckpoint.of(Checkpoint.open(DEMO), DType.Q8_0,
        (task, done, total) -> progress.add(done));
    ModelExperts experts = ModelExperts.of(quantized, KernelSelection.kernels());
    ModelFingerprint.of(experts, KernelSelection.kernels().numerics(), Numerics.EXACT, null);
    assertThat(progress).as("finding and fingerprinting loads nothing").isEmpty();
    assertThat(experts.load(0, 7, KernelSelection.kernels()).up().dtype()).isEqualTo(DType.Q8_0);
    assertThat(progress).hasSize(3);

    BoundModel some = BoundModel.of(Checkpoint.open(DEMO), KernelSelection.kernels(),
        ExpertSelection.of(List.of(2, 7)));
    LayerExperts held = some.weights().experts(3);
    assertThat(held.holds(2)).isTrue();
    assertThat(held.holds(3)).isFalse();
    assertThat(held.get(7).down().rows()).isEqualTo(192);
    assertThatIllegalStateException().isThrownBy(() -> held.get(3)).withMessageContaining("expert 3");
    LayerExperts none = BoundModel.of(Checkpoint.open(DEMO), KernelSelection.kernels(), ExpertSelection.NONE).weights()
        .experts(0);
    assertThat(none.holds(0)).isFalse();
  }

  private static ModelFingerprint of(Checkpoint checkpoint) {
    Kernels kernels = KernelSelection.kernels();
    return ModelFingerprint.of(ModelExperts.of(checkpoint, kernels), kernels.numerics(), kernels.numerics(), null);
  }
}
