package io.expertmesh.model.checkpoint;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.expertmesh.kernels.DType;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.release.Releases;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

class SynthTest {
  @TempDir
  Path folder;

  private Path like;

  @BeforeEach
  void shape() throws IOException {
    like = Files.createDirectory(folder.resolve("like"));
    Files.writeString(like.resolve("config.json"), """
        {"model_type": "olmoe", "hidden_size": 64, "intermediate_size": 32, "num_hidden_layers": 2,
         "num_attention_heads": 4, "num_key_value_heads": 4, "num_experts": 4, "num_experts_per_tok": 2,
         "max_position_embeddings": 128, "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "norm_topk_prob": false,
         "vocab_size": 512, "eos_token_id": 500, "pad_token_id": 1, "tie_word_embeddings": false}
        """);
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16", "Q8_0", "Q4_0"})
  void writesGguf(DType dtype) throws IOException {
    Path file = folder.resolve("x.gguf");
    write(like, dtype, file);
    GgufCheckpoint checkpoint = GgufCheckpoint.open(file);

    assertThat(checkpoint.tensors()).hasSize(3 + 2 * 12);
    Tensor up = tensor(checkpoint, "model.layers.1.mlp.experts.up_proj");
    assertThat(up.shape()).isEqualTo(List.of(4L, 32L, 64L));
    assertThat(up.dtype()).isEqualTo(dtype);
    assertThat(tensor(checkpoint, "model.layers.1.mlp.gate.weight").dtype()).isEqualTo(DType.F32);
    assertThat(deviation(up)).isBetween(0.019, 0.021);
    assertThat(checkpoint.metadata().texts("tokenizer.ggml.tokens").orElseThrow())
        .hasSize(512).contains("<|endoftext|>", "Ġ", "Ġw300");
    assertThat(checkpoint.metadata().integer("tokenizer.ggml.eos_token_id")).hasValue(500);

    byte[] first = Files.readAllBytes(file);
    write(like, dtype, file);
    assertThat(Files.readAllBytes(file)).isEqualTo(first);
  }

  @Test
  void writesAHuggingFaceFolder() throws IOException {
    Path target = folder.resolve("x");
    write(like, DType.BF16, target);
    Checkpoint checkpoint = Checkpoint.open(target);

    assertThat(checkpoint.tensors()).hasSize(3 + 2 * (9 + 3 * 4));
    assertThat(checkpoint.config().path("num_experts").asInt()).isEqualTo(4);
    assertThat(tensor(checkpoint, "model.layers.0.mlp.experts.3.down_proj.weight").shape())
        .isEqualTo(List.of(64L, 32L));
    float[] norm = new float[64];
    Quantizer.toFloats(tensor(checkpoint, "model.norm.weight").data(), DType.BF16, 0, norm, 64);
    assertThat(norm).containsOnly(1f);
    JsonNode tokenizer = JsonFile.read(target.resolve("tokenizer.json"));
    assertThat(tokenizer.path("model").path("vocab").size()).isEqualTo(512);
    assertThat(tokenizer.path("model").path("vocab").path("<|padding|>").asInt()).isEqualTo(1);
    // What it writes, it and convert take as a model.
    write(target, DType.Q8_0, folder.resolve("y.gguf"));
    Convert.toGguf(target, folder.resolve("z.gguf"), DType.Q8_0, Progress.NONE);
    assertThat(Checkpoint.open(folder.resolve("z.gguf")).tensors().keySet())
        .isEqualTo(Checkpoint.open(folder.resolve("y.gguf")).tensors().keySet());
  }

  @Test
  void refusesWhatCannotBeWritten() throws IOException {
    Path target = folder.resolve("x");
    refuses(FailureCategory.INVALID_REQUEST, "let --out end in .gguf",
        () -> write(like, DType.Q4_0, target));
    refuses(FailureCategory.NOT_FOUND, "allenai/OLMoE-1B-7B-0924",
        () -> write(Path.of("nobody/nothing"), DType.BF16, target));
    Files.createDirectory(target);
    refuses(FailureCategory.INVALID_REQUEST, "already exists",
        () -> write(like, DType.BF16, target));
    Files.writeString(like.resolve("config.json"), "{\"model_type\":\"olmoe\",\"vocab_size\":512}");
    refuses(FailureCategory.INVALID_CHECKPOINT, "has no \"hidden_size\"",
        () -> write(like, DType.BF16, folder.resolve("y.gguf")));
    Files.writeString(like.resolve("config.json"), "{\"model_type\":\"bert\"}");
    refuses(FailureCategory.INVALID_CHECKPOINT, "model_type \"bert\" is not supported; supported: openmoe, olmoe",
        () -> write(like, DType.BF16, folder.resolve("y.gguf")));
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactlyInAnyOrder(like, target);
    }
  }

  @Test
  void checksTheDiskBeforeWriting() {
    assertThatExceptionOfType(FailureException.class)
        .isThrownBy(() -> Disk.requireSpace(folder.resolve("not/yet/there.gguf"), Long.MAX_VALUE / 2))
        .matches(e -> e.category() == FailureCategory.UNAVAILABLE).withMessageContaining("MiB are needed");
  }

  private static void write(Path like, DType dtype, Path target) {
    Releases.find(like.toString()).synth(dtype, target.toString().endsWith(".gguf")).write(target, Progress.NONE);
  }

  private static void refuses(FailureCategory category, String message, ThrowingCallable call) {
    assertThatExceptionOfType(FailureException.class).isThrownBy(call)
        .matches(e -> e.category() == category).withMessageContaining(message);
  }

  private static double deviation(Tensor tensor) {
    int count = Math.toIntExact(tensor.elements());
    float[] values = new float[count];
    Quantizer.toFloats(tensor.data(), tensor.dtype(), 0, values, count);
    double squares = 0;
    for (float value : values) {
      squares += value * value;
    }
    return Math.sqrt(squares / count);
  }

  private static Tensor tensor(Checkpoint checkpoint, String name) {
    return requireNonNull(checkpoint.tensors().get(name), name);
  }
}
