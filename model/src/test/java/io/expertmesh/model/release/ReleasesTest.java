package io.expertmesh.model.release;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.checkpoint.Progress;
import io.expertmesh.model.checkpoint.Tensor;
import io.expertmesh.model.decoder.ReferenceDecoder;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.BoundModel;
import io.expertmesh.model.family.TensorPlan;
import io.expertmesh.model.golden.GoldenCase;
import io.expertmesh.model.tokenizer.LoadedTokenizer;
import io.expertmesh.model.tokenizer.TokenizerLoader;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

class ReleasesTest {
  private static final int VOCABULARY = 320;

  @TempDir
  Path folder;

  static List<String> releases() {
    return Releases.names();
  }

  static List<String> goldenCases() {
    return GoldenCase.names();
  }

  @ParameterizedTest
  @MethodSource("releases")
  void everyReleaseIsAModelThatIsServed(String name) {
    TensorPlan plan = Releases.find(name).plan();

    assertThat(plan.parameters()).isGreaterThan(100_000_000);
    assertThat(plan.activeParameters()).isLessThanOrEqualTo(plan.parameters());
    // What would be written, without writing it.
    assertThat(Releases.find(name).synth(DType.BF16, false).bytes()).isEqualTo(2 * plan.parameters());
  }

  /**
   * Parameters in billions as the models' cards and papers give them; some count the input embedding as active, some do
   * not. OpenMoE's paper gives fewer than its code has, so it is not here.
   */
  @ParameterizedTest
  @CsvSource({
      "allenai/OLMoE-1B-7B-0924, 6.919161856, 1.282017280", "allenai/FlexOlmo-7x7B-1T, 33, ",
      "mistralai/Mixtral-8x7B-v0.1, 46.7, 12.9", "mistralai/Mixtral-8x22B-v0.1, 141, 39",
      "Qwen/Qwen1.5-MoE-A2.7B, 14.3, 2.7", "Qwen/Qwen3-30B-A3B, 30.5, 3.3", "Qwen/Qwen3-235B-A22B, 235, 22",
      "deepseek-ai/deepseek-moe-16b-base, 16.4, 2.8", "deepseek-ai/DeepSeek-V2-Lite, 15.7, 2.4",
      "deepseek-ai/DeepSeek-V2, 236, 21", "deepseek-ai/DeepSeek-V3, 671, 37",
      "openai/gpt-oss-20b, 20.91, 3.61", "openai/gpt-oss-120b, 116.83, 5.13",
      "ibm-granite/granite-3.0-1b-a400m-base, 1.33, 0.4", "ibm-granite/granite-3.0-3b-a800m-base, 3.3, 0.8",
      "microsoft/Phi-3.5-MoE-instruct, 41.9, 6.6",
      "zai-org/GLM-4.5-Air, 106, 12", "zai-org/GLM-4.5, 355, 32",
      "google/switch-base-8, 0.619, ", "google/switch-base-128, 7.4, ", "google/switch-base-256, 14.7, ",
      "google/switch-large-128, 26.3, ", "facebook/nllb-moe-54b, 54.5, ",
      "meta-llama/Llama-2-7b-hf, 6.738415616, ", "meta-llama/Llama-3.2-1B, 1.235814400, ",
      "TinyLlama/TinyLlama-1.1B-Chat-v1.0, 1.100048384, ", "HuggingFaceTB/SmolLM2-135M-Instruct, 0.134515008, ",
      "mistralai/Mistral-7B-v0.1, 7.241732096, ", "allenai/OLMo-1B-hf, 1.176764416, ",
      "allenai/OLMo-7B-hf, 6.888095744, ", "allenai/OLMo-2-0425-1B, 1.484916736, ",
      "allenai/OLMo-2-1124-7B, 7.298617344, ", "Qwen/Qwen2-0.5B, 0.494032768, ", "Qwen/Qwen2-7B, 7.615616512, "})
  void hasAsManyParametersAsPublished(String name, String total, String active) {
    TensorPlan plan = Releases.find(name).plan();

    assertThat(plan.parameters() / 1e9).isBetween(0.99 * Double.parseDouble(total), 1.01 * Double.parseDouble(total));
    if (active != null) {
      double published = Double.parseDouble(active);
      // Published numbers are cut as often as rounded.
      int dot = active.indexOf('.');
      double tolerance = Math.max(0.01 * published, dot < 0 ? 1 : Math.pow(10, dot + 1 - active.length()));
      long embedding = plan.architecture().tiedEmbeddings()
          ? 0
          : (long) plan.architecture().vocabularySize() * plan.architecture().hiddenSize();
      double with = plan.activeParameters() / 1e9;
      double without = (plan.activeParameters() - embedding) / 1e9;
      assertThat(Math.min(Math.abs(with - published), Math.abs(without - published)))
          .as("%s and, without the input embedding, %s", with, without).isLessThanOrEqualTo(tolerance);
    }
  }

  /** Every family in the form that it is released in, with the shapes of the golden checkpoints. */
  @ParameterizedTest
  @MethodSource("goldenCases")
  void writesWhatTheBinderBinds(String name) {
    Release release = tiny(name);
    Path target = folder.resolve("model");
    release.synth(DType.BF16, false).write(target, Progress.NONE);
    Checkpoint checkpoint = Checkpoint.open(target);

    assertThat(shapes(checkpoint)).isEqualTo(release.plan().tensors().values().stream()
        .collect(Collectors.toMap(TensorPlan.Wanted::name, TensorPlan.Wanted::shape)));
    computesAToken(checkpoint);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"olmoe-base-f32", "llama-plain-f32", "mixtral-full-f32", "qwen2-tied-f32",
          "qwen2-moe-sparse-f32", "qwen3-moe-wide-f32", "olmo2-plain-f32", "granitemoe-tied-f32"})
  void writesGgufOfWhatLlamaCppKnows(String name) {
    Release release = tiny(name);
    ((ObjectNode) release.config()).putNull("rope_scaling").remove("rope_parameters");
    if (name.startsWith("qwen2-moe") || name.startsWith("qwen3-moe")) {
      // Files of these have experts in every layer and no window.
      ((ObjectNode) release.config()).put("decoder_sparse_step", 1).put("use_sliding_window", false)
          .remove(List.of("layer_types", "mlp_only_layers"));
    }
    Path file = folder.resolve("model.gguf");
    release.synth(DType.Q8_0, true).write(file, Progress.NONE);
    Checkpoint checkpoint = Checkpoint.open(file);

    assertThat(checkpoint.config().path("vocab_size").asInt()).isEqualTo(VOCABULARY);
    assertThat(TensorPlan.of(checkpoint).differences(checkpoint).none()).isTrue();
    computesAToken(checkpoint);
  }

  @Test
  void writesTheTypesOfReleasesThatAreQuantised() {
    Release oss = tiny("gpt-oss-mxfp4-bf16");
    oss.synth(DType.F4_E2M1, false).write(folder.resolve("oss"), Progress.NONE);
    Checkpoint mxfp4 = Checkpoint.open(folder.resolve("oss"));
    assertThat(tensor(mxfp4, "model.layers.0.mlp.experts.down_proj").dtype()).isEqualTo(DType.F4_E2M1);
    assertThat(tensor(mxfp4, "model.layers.0.mlp.router.weight").dtype()).isEqualTo(DType.BF16);
    computesAToken(mxfp4);

    Release v3 = tiny("deepseek-v3-fp8");
    v3.synth(DType.F8_E4M3, false).write(folder.resolve("v3"), Progress.NONE);
    Checkpoint fp8 = Checkpoint.open(folder.resolve("v3"));
    assertThat(tensor(fp8, "model.layers.0.self_attn.kv_a_proj_with_mqa.weight").dtype()).isEqualTo(DType.F8_E4M3);
    assertThat(tensor(fp8, "model.embed_tokens.weight").dtype()).isEqualTo(DType.BF16);
    computesAToken(fp8);

    v3.synth(DType.BF16, false).write(folder.resolve("bf16"), Progress.NONE);
    assertThat(Checkpoint.open(folder.resolve("bf16")).config().has("quantization_config")).isFalse();
    assertThatExceptionOfType(FailureException.class).isThrownBy(() -> v3.synth(DType.F4_E2M1, false))
        .withMessageContaining("is not released in mxfp4; choose bf16");
  }

  /** True widths. */
  @ParameterizedTest
  @CsvSource({"HuggingFaceTB/SmolLM2-135M-Instruct, 2", "ibm-granite/granite-3.0-1b-a400m-base, 1"})
  void writesTheFirstLayersOfAWideModel(String name, int layers) {
    Release release = Releases.find(name).withLayers(layers);
    release.synth(DType.BF16, false).write(folder.resolve("model"), Progress.NONE);
    Checkpoint checkpoint = Checkpoint.open(folder.resolve("model"));

    assertThat(checkpoint.config().path("num_hidden_layers").asInt()).isEqualTo(layers);
    computesAToken(checkpoint);
  }

  @Test
  void cutsEncoderAndDecoderAndTheListOfLayers() {
    assertThat(Releases.find("google/switch-base-8").withLayers(2).plan().architecture().blocks()).hasSize(4);
    assertThat(Releases.find("facebook/nllb-moe-54b").withLayers(4).plan().architecture().moeLayers())
        .containsExactly(3, 7);
    Release oss = Releases.find("openai/gpt-oss-20b").withLayers(3);
    assertThat(oss.config().path("layer_types").size()).isEqualTo(3);
    assertThat(oss.plan().architecture().blocks()).hasSize(3);
    assertThatExceptionOfType(FailureException.class).isThrownBy(() -> oss.withLayers(4))
        .withMessage("--layers is 4; openai/gpt-oss-20b has 1 to 3");
  }

  @Test
  void refusesWhatGgufCannotSay() {
    assertThatExceptionOfType(FailureException.class)
        .isThrownBy(() -> Releases.find("openai/gpt-oss-20b").synth(DType.Q8_0, true))
        .withMessageContaining("gpt_oss models are not written as GGUF, only granitemoe, llama, mixtral");
    assertThatExceptionOfType(FailureException.class)
        .isThrownBy(() -> Releases.find("meta-llama/Llama-3.2-1B").synth(DType.Q8_0, true))
        .withMessageContaining("rope_scaling");
    Release sparse = tiny("qwen2-moe-mixed-f32");
    ((ObjectNode) sparse.config()).put("decoder_sparse_step", 2);
    assertThatExceptionOfType(FailureException.class).isThrownBy(() -> sparse.synth(DType.Q8_0, true))
        .withMessageContaining("has the decoder_sparse_step 2; a GGUF file of architecture qwen2moe can only mean 1");
  }

  /** The shape of a golden case with a vocabulary that holds all bytes. */
  private static Release tiny(String name) {
    Path golden = GoldenCase.of(name).folder();
    ObjectNode config = (ObjectNode) Releases.find(golden.toString()).config().deepCopy();
    config.put("vocab_size", VOCABULARY);
    return new Release(name, config, golden.resolve("config.json"), null);
  }

  private static void computesAToken(Checkpoint checkpoint) {
    BoundModel model = BoundModel.of(checkpoint, new ScalarKernels());
    LoadedTokenizer text = TokenizerLoader.load(checkpoint);
    int[] ids = text.tokenizer().encode("What is true?", true);
    ReferenceDecoder decoder = new ReferenceDecoder(model.architecture(), model.weights(), (stage, values) -> {});
    float[] logits = model.architecture().encoder() == null
        ? decoder.logits(ids)
        : decoder.logits(decoder.encode(ids), new int[]{0}, 1);

    double squares = 0;
    for (float logit : logits) {
      squares += logit * logit;
    }
    assertThat(squares).isFinite().isPositive();
  }

  private static Map<String, List<Long>> shapes(Checkpoint checkpoint) {
    return checkpoint.tensors().values().stream().collect(Collectors.toMap(Tensor::name, Tensor::shape));
  }

  private static Tensor tensor(Checkpoint checkpoint, String name) {
    return requireNonNull(checkpoint.tensors().get(name), name);
  }
}
