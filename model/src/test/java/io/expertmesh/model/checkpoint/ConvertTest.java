package io.expertmesh.model.checkpoint;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.expertmesh.kernels.DType;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class ConvertTest {
  private static final Path DEMO = Path.of("../models/demo");
  private static final Path GOLDEN = Path.of("src/test/resources/golden");

  @TempDir
  Path folder;

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16", "Q8_0", "Q4_0"})
  void theDemoModelsTensorsSurvive(DType dtype) {
    Path file = folder.resolve("demo.gguf");
    Convert.Result result = Convert.toGguf(DEMO, file, dtype, Progress.NONE);
    Checkpoint source = Checkpoint.open(DEMO);
    Checkpoint gguf = Checkpoint.open(file);

    assertThat(result.notes()).isEmpty();
    assertThat(result.tensors()).isEqualTo(gguf.tensors().size());
    assertThat(file).hasSize(result.bytes());
    for (Tensor tensor : gguf.tensors().values()) {
      boolean keptAsF32 = tensor.shape().size() == 1 || tensor.name().endsWith("mlp.gate.weight");
      assertThat(tensor.dtype()).as(tensor.name()).isEqualTo(keptAsF32 ? DType.F32 : dtype);
    }
    for (String field : List.of("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
        "num_key_value_heads", "num_experts", "num_experts_per_tok", "norm_topk_prob", "rms_norm_eps", "vocab_size",
        "max_position_embeddings", "model_type", "clip_qkv", "tie_word_embeddings", "eos_token_id", "pad_token_id")) {
      assertThat(gguf.config().get(field)).as(field).isEqualTo(source.config().get(field));
    }
    assertThat(gguf.config().path("rope_theta").asDouble()).isEqualTo(10000);
    assertSame(tensor(source, "model.layers.2.mlp.experts.7.up_proj.weight"),
        tensor(gguf, "model.layers.2.mlp.experts.up_proj").matrix(7).data(), dtype);
    assertSame(tensor(source, "model.layers.3.self_attn.k_proj.weight"),
        tensor(gguf, "model.layers.3.self_attn.k_proj.weight").data(), dtype);
  }

  @Test
  void theTokenizerGoesAlong() throws IOException {
    Path file = folder.resolve("demo.gguf");
    Convert.toGguf(DEMO, file, null, Progress.NONE);
    GgufMetadata metadata = GgufMetadata.read(file);

    assertThat(metadata.text("tokenizer.ggml.model")).hasValue("gpt2");
    assertThat(metadata.text("tokenizer.ggml.pre")).hasValue("smollm");
    assertThat(metadata.texts("tokenizer.ggml.tokens").orElseThrow()).hasSize(1024).startsWith("<|endoftext|>");
    assertThat(metadata.integers("tokenizer.ggml.token_type").orElseThrow()).startsWith(3, 3, 3, 3, 1);
    assertThat(metadata.texts("tokenizer.ggml.merges").orElseThrow()).startsWith("h e");
    assertThat(metadata.integer("tokenizer.ggml.eos_token_id")).hasValue(0);
    assertThat(metadata.integer("tokenizer.ggml.bos_token_id")).isEmpty();
    assertThat(metadata.flag("tokenizer.ggml.add_bos_token")).hasValue(false);
    assertThat(metadata.text("tokenizer.chat_template").orElseThrow()).contains("<|assistant|>");
    assertThat(metadata.text("tokenizer.huggingface.json")).hasValue(Files.readString(DEMO.resolve("tokenizer.json")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"olmoe-base-f32", "olmoe-clip-f32", "olmoe-fused-f32", "olmoe-gqa-f32", "olmoe-normtopk-f32",
          "olmoe-oldconfig-f32", "olmoe-sharded-f32", "olmoe-tied-f32", "olmoe-bf16"})
  void everyFormOfCheckpointConverts(String name) {
    Path file = folder.resolve(name + ".gguf");
    Convert.Result result = Convert.toGguf(GOLDEN.resolve(name), file, null, Progress.NONE);
    JsonNode source = Checkpoint.open(GOLDEN.resolve(name)).config();
    JsonNode config = Checkpoint.open(file).config();

    assertThat(config.path("norm_topk_prob").asBoolean()).isEqualTo(source.path("norm_topk_prob").asBoolean());
    assertThat(config.path("num_key_value_heads")).isEqualTo(source.path("num_key_value_heads"));
    assertThat(config.path("clip_qkv").asDouble(0)).isEqualTo(source.path("clip_qkv").asDouble(0));
    assertThat(String.join(" ", result.notes())).contains("no tokenizer");
    Map<String, String> said = Map.of("olmoe-clip-f32", "clip_qkv is set", "olmoe-gqa-f32", "share key-value heads",
        "olmoe-normtopk-f32", "norm_topk_prob is true", "olmoe-tied-f32", "embedding are tied");
    assertThat(String.join(" ", result.notes())).contains(said.getOrDefault(name, ""));
  }

  @Test
  void fusedExpertsAreSplitIntoGateAndUp() {
    Path file = folder.resolve("x.gguf");
    Convert.toGguf(GOLDEN.resolve("olmoe-fused-f32"), file, null, Progress.NONE);
    Tensor gateUp = tensor(Checkpoint.open(GOLDEN.resolve("olmoe-fused-f32")),
        "model.layers.1.mlp.experts.gate_up_proj");
    Checkpoint gguf = Checkpoint.open(file);
    Tensor up = tensor(gguf, "model.layers.1.mlp.experts.up_proj");
    long half = gateUp.shape().get(1) / 2 * gateUp.shape().get(2) * 4;
    assertThat(up.matrix(2).data().mismatch(gateUp.data().asSlice(5 * half, half))).isEqualTo(-1);
    Tensor gate = tensor(gguf, "model.layers.1.mlp.experts.gate_proj");
    assertThat(gate.matrix(2).data().mismatch(gateUp.data().asSlice(4 * half, half))).isEqualTo(-1);
  }

  @Test
  void reportsProgressAndReplacesAnOlderFileInOneStep() throws IOException {
    Path file = folder.resolve("demo.gguf");
    Files.writeString(file, "older");
    List<Long> done = new ArrayList<>();
    Convert.toGguf(DEMO, file, DType.F32, (task, bytes, total) -> {
      assertThat(task).isEqualTo("demo.gguf");
      assertThat(file).hasContent("older");
      done.add(bytes);
    });
    assertThat(done).isSorted().endsWith(Files.size(file));
    assertNothingElseIn(folder, "demo.gguf");
  }

  @Test
  void aDamagedSourceLeavesNothingBehind() throws IOException {
    Path source = Files.createDirectory(folder.resolve("source"));
    Files.copy(DEMO.resolve("config.json"), source.resolve("config.json"));
    try (Stream<Path> files = Files.list(GOLDEN.resolve("olmoe-base-f32"))) {
      for (Path file : files.filter(f -> f.endsWith("model.safetensors")).toList()) {
        Files.copy(file, source.resolve("model.safetensors"));
      }
    }
    assertThatExceptionOfType(FailureException.class)
        .isThrownBy(() -> Convert.toGguf(source, folder.resolve("x.gguf"), null, Progress.NONE))
        .matches(e -> e.category() == FailureCategory.INVALID_CHECKPOINT);
    assertNothingElseIn(folder, "source");
  }

  @Test
  void refusesAGgufFileAndAnotherFamily() throws IOException {
    Path file = folder.resolve("x.gguf");
    Convert.toGguf(DEMO, file, null, Progress.NONE);
    assertThatExceptionOfType(FailureException.class)
        .isThrownBy(() -> Convert.toGguf(file, folder.resolve("y.gguf"), null, Progress.NONE))
        .withMessageContaining("reads Hugging Face model folders");
    Path other = Files.createDirectory(folder.resolve("other"));
    Files.writeString(other.resolve("config.json"), "{\"model_type\":\"bert\"}");
    Files.write(other.resolve("model.safetensors"), SafetensorsBytes.file("{}", 0));
    assertThatExceptionOfType(FailureException.class)
        .isThrownBy(() -> Convert.toGguf(other, folder.resolve("y.gguf"), null, Progress.NONE))
        .withMessageContaining("model_type bert; these can be written as GGUF: olmoe");
  }

  private static void assertSame(Tensor source, MemorySegment converted, DType dtype) {
    int count = Math.toIntExact(source.elements());
    float[] values = new float[count];
    Quantizer.toFloats(source.data(), source.dtype(), 0, values, count);
    MemorySegment expected = MemorySegment.ofArray(new byte[Math.toIntExact(dtype.bytes(count))]);
    Quantizer.fromFloats(values, count, dtype, expected, 0);
    assertThat(converted.mismatch(expected)).isEqualTo(-1);
  }

  private static void assertNothingElseIn(Path folder, String name) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(folder.resolve(name));
    }
  }

  private static Tensor tensor(Checkpoint checkpoint, String name) {
    return requireNonNull(checkpoint.tensors().get(name), name);
  }
}
