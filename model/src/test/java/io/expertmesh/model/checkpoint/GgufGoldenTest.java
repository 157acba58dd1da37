package io.expertmesh.model.checkpoint;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.expertmesh.kernels.DType;
import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/**
 * Golden checkpoints as GGUF files (tools/golden/gguf_files.py) show the configuration and every value of the folders
 * that they were made from.
 */
class GgufGoldenTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden");
  private static final Pattern EXPERT = Pattern.compile("(.*\\.experts)\\.(\\d+)\\.(\\w+)\\.weight");
  private static final Map<String, String> STACKED = Map.of("w1", "gate_proj", "w3", "up_proj", "w2", "down_proj");

  /** Fields that GGUF files do not have, or have in another form, which {@link #rope} compares. */
  private static final Set<String> NOT_COMPARED = Set.of("architectures", "dtype", "torch_dtype",
      "transformers_version",
      "rope_parameters", "rope_scaling", "rope_theta", "quantization_config", "bos_token_id", "eos_token_id",
      "pad_token_id", "num_nextn_predict_layers", "head_dim", "qk_head_dim", "router_jitter_noise",
      "input_jitter_noise", "sliding_window");

  @TempDir
  Path folder;

  static Stream<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(GOLDEN.resolve("gguf"))) {
      return files.sorted().toList().stream();
    }
  }

  private static Checkpoint source(Path file) {
    return Checkpoint.open(GOLDEN.resolve(file.getFileName().toString().replace(".gguf", "")));
  }

  @ParameterizedTest
  @MethodSource("files")
  void configuration(Path file) {
    JsonNode expected = source(file).config();
    JsonNode actual = Checkpoint.open(file).config();
    int compared = 0;
    for (Map.Entry<String, JsonNode> field : actual.properties()) {
      JsonNode wanted = expected.get(field.getKey());
      if (wanted == null || NOT_COMPARED.contains(field.getKey())) {
        continue;
      }
      compared++;
      if (wanted.isNumber()) {
        assertThat(field.getValue().asDouble()).as(field.getKey()).isEqualTo(wanted.asDouble());
      } else {
        assertThat(field.getValue()).as(field.getKey()).isEqualTo(wanted);
      }
    }
    assertThat(compared).isGreaterThan(10);
    if (expected.has("head_dim") && actual.has("head_dim")) {
      assertThat(actual.get("head_dim")).isEqualTo(expected.get("head_dim"));
    }
    rope(expected, actual);
  }

  private static void rope(JsonNode expected, JsonNode actual) {
    JsonNode parameters = expected.path("rope_parameters");
    double theta = parameters.path("rope_theta").asDouble(expected.path("rope_theta").asDouble(0));
    assertThat(actual.path("rope_theta").asDouble()).isEqualTo(theta);
    JsonNode scaling = parameters.isObject() ? parameters : expected.path("rope_scaling");
    String type = scaling.path("rope_type").asString(scaling.path("type").asString("default"));
    JsonNode read = actual.path("rope_scaling");
    switch (type) {
      case "default" -> assertThat(read.isMissingNode()).isTrue();
      case "llama3" -> {
        assertThat(read.path("rope_type").asString()).isEqualTo("divided");
        assertThat(read.path("factors").get(0).asDouble()).isEqualTo(1.0);
        JsonNode last = read.path("factors");
        assertThat(last.get(last.size() - 1).asDouble()).isEqualTo(scaling.path("factor").asDouble());
      }
      default -> {
        assertThat(read.path("rope_type").asString()).isEqualTo(type);
        for (String field : List.of("factor", "original_max_position_embeddings", "beta_fast", "beta_slow",
            "mscale_all_dim", "truncate", "long_factor", "short_factor")) {
          if (scaling.has(field) && !(type.equals("longrope") && field.equals("factor"))) {
            assertSameNumbers(read.path(field), scaling.get(field), field);
          }
        }
      }
    }
  }

  private static void assertSameNumbers(JsonNode actual, JsonNode expected, String what) {
    if (expected.isBoolean()) {
      assertThat(actual).as(what).isEqualTo(expected);
      return;
    }
    if (!expected.isArray()) {
      assertThat((float) actual.asDouble()).as(what).isEqualTo((float) expected.asDouble());
      return;
    }
    assertThat(actual.size()).as(what).isEqualTo(expected.size());
    for (int i = 0; i < expected.size(); i++) {
      assertThat((float) actual.get(i).asDouble()).as(what).isEqualTo((float) expected.get(i).asDouble());
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void values(Path file) {
    Map<String, Tensor> tensors = Checkpoint.open(file).tensors();
    Checkpoint source = source(file);
    long layers = source.config().path("num_hidden_layers").asLong();
    long elements = 0;
    for (Tensor tensor : source.tensors().values()) {
      Matcher layer = Pattern.compile("model\\.layers\\.(\\d+)\\..*").matcher(tensor.name());
      if (layer.matches() && Long.parseLong(layer.group(1)) >= layers) {
        continue; // predicts further tokens
      }
      assertThat(withoutNegativeZeros(fromGguf(tensors, tensor))).as(tensor.name())
          .isEqualTo(withoutNegativeZeros(Quantizer.vector(tensor)));
      elements += tensor.elements();
    }
    assertThat(tensors.values().stream().mapToLong(Tensor::elements).sum()).isEqualTo(elements);
  }

  /** ggml's MXFP4 has none, gpt-oss's has. */
  private static float[] withoutNegativeZeros(float[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] += 0f;
    }
    return values;
  }

  /** The values of {@code tensor} from wherever the GGUF file has them. */
  private static float[] fromGguf(Map<String, Tensor> tensors, Tensor tensor) {
    Tensor same = tensors.get(tensor.name());
    if (same != null) {
      assertThat(same.shape()).isEqualTo(tensor.shape());
      return Quantizer.vector(same);
    }
    Matcher expert = EXPERT.matcher(tensor.name());
    if (expert.matches()) {
      String projection = STACKED.getOrDefault(expert.group(3), expert.group(3));
      Tensor all = requireNonNull(tensors.get(expert.group(1) + "." + projection), tensor.name());
      int size = Math.toIntExact(tensor.elements());
      int from = Integer.parseInt(expert.group(2)) * size;
      return Arrays.copyOfRange(Quantizer.vector(all), from, from + size);
    }
    String name = tensor.name();
    if (name.endsWith("block_sparse_moe.output_linear.weight")) {
      return Quantizer.vector(requireNonNull(tensors.get(name.replace("output_linear.weight", "experts.down_proj"))));
    }
    if (name.endsWith("block_sparse_moe.input_linear.weight")) {
      return joined(tensors, name.replace("input_linear.weight", "experts.gate_proj"), tensor, false);
    }
    if (name.contains("experts.gate_up_proj")) { // gpt-oss has gate and up in turn
      return joined(tensors, name.replace("gate_up_proj", "gate_proj"), tensor, true);
    }
    throw new AssertionError(name + " is missing");
  }

  /** Gate and up rows of each expert, one after the other or in turn. */
  private static float[] joined(Map<String, Tensor> tensors, String gateName, Tensor tensor, boolean inTurn) {
    float[] gate = Quantizer.vector(requireNonNull(tensors.get(gateName), gateName));
    float[] up = Quantizer.vector(requireNonNull(tensors.get(gateName.replace("gate_proj", "up_proj"))));
    int experts = Math.toIntExact(tensor.shape().getFirst());
    int cols = tensor.shape().size() == 3 ? Math.toIntExact(tensor.shape().getLast()) : 1;
    int rows = gate.length / experts / cols;
    float[] joined = new float[gate.length + up.length];
    for (int row = 0; row < experts * rows; row++) {
      int first = 2 * rows * (row / rows);
      int i = row % rows;
      System.arraycopy(gate, row * cols, joined, (first + (inTurn ? 2 * i : i)) * cols, cols);
      System.arraycopy(up, row * cols, joined, (first + (inTurn ? 2 * i + 1 : rows + i)) * cols, cols);
    }
    return joined;
  }

  /** Rows in pairs are read as {@code LlamaModel.permute} of convert_hf_to_gguf.py has them, written out here. */
  @Test
  void pairedRowsAreUndone() {
    int heads = 3;
    int headDim = 8;
    MemorySegment stored = Arena.ofAuto().allocate(4L * heads * headDim);
    for (int h = 0; h < heads; h++) {
      for (int half = 0; half < 2; half++) {
        for (int j = 0; j < headDim / 2; j++) {
          stored.setAtIndex(ValueLayout.JAVA_FLOAT, h * headDim + 2 * j + half, h * headDim + half * headDim / 2 + j);
        }
      }
    }
    GgufWriter writer = llama(heads);
    writer.tensor(new Tensor("blk.0.attn_q.weight", DType.F32, List.of(24L, 1L), stored));
    writer.tensor(new Tensor("blk.0.attn_q.bias", DType.F32, List.of(24L), stored));
    Path file = folder.resolve("x.gguf");
    writer.write(file, Progress.NONE);
    float[] expected = new float[24];
    for (int i = 0; i < 24; i++) {
      expected[i] = i;
    }
    Map<String, Tensor> tensors = Checkpoint.open(file).tensors();
    for (String name : List.of("weight", "bias")) {
      Tensor tensor = requireNonNull(tensors.get("model.layers.0.self_attn.q_proj." + name));
      assertThat(Quantizer.vector(tensor)).isEqualTo(expected);
    }
  }

  @Test
  void refusesRowsThatHeadsCannotShare() {
    GgufWriter writer = llama(5);
    writer.tensor(new Tensor("blk.0.attn_q.weight", DType.F32, List.of(24L, 1L), MemorySegment.ofArray(new byte[96])));
    Path file = folder.resolve("x.gguf");
    writer.write(file, Progress.NONE);
    assertThatExceptionOfType(FailureException.class).isThrownBy(() -> Checkpoint.open(file))
        .withMessageContaining("tensor blk.0.attn_q.weight has 24 rows, which 5 heads cannot share evenly");
  }

  private static GgufWriter llama(int heads) {
    GgufWriter writer = new GgufWriter("llama");
    for (String key : List.of("embedding_length", "block_count", "context_length", "feed_forward_length")) {
      writer.u32("llama." + key, 1);
    }
    writer.u32("llama.attention.head_count", heads);
    writer.f32("llama.attention.layer_norm_rms_epsilon", 1e-5);
    writer.tensor(new Tensor("token_embd.weight", DType.F32, List.of(1L, 1L), MemorySegment.ofArray(new byte[4])));
    return writer;
  }
}
