package io.expertmesh.model.release;

import io.expertmesh.kernels.DType;
import io.expertmesh.model.checkpoint.Synth;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.ModelConfig;
import io.expertmesh.model.family.TensorPlan;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The shape of a model: a configuration and, in a folder, perhaps a tokenizer.
 *
 * @param name {@code ORG/NAME}, or the folder's
 * @param configFile where the configuration is from, for messages
 * @param folder that the tokenizer is in; null if there is none
 */
public record Release(String name, JsonNode config, Path configFile, @Nullable Path folder) {
  private static final List<String> DEPTHS = List.of("num_hidden_layers", "num_layers", "num_decoder_layers",
      "encoder_layers", "decoder_layers");

  /** The configuration as families read it. */
  public ModelConfig modelConfig() {
    return new ModelConfig(configFile.toString(), config);
  }

  /** The type that it is released in: of the experts or projections alone, if that is F4_E2M1 or F8_E4M3. */
  public DType dtype() {
    return switch (config.path("quantization_config").path("quant_method").asString("none")) {
      case "mxfp4" -> DType.F4_E2M1;
      case "fp8" -> DType.F8_E4M3;
      default -> switch (config.path("dtype").asString(config.path("torch_dtype").asString("bfloat16"))) {
        case "float32" -> DType.F32;
        case "float16" -> DType.F16;
        default -> DType.BF16;
      };
    };
  }

  /**
   * The tensors as they are released.
   *
   * @throws FailureException INVALID_CHECKPOINT if the family is not supported, or a field is missing or wrong
   */
  public TensorPlan plan() {
    return TensorPlan.released(modelConfig());
  }

  /**
   * The same model with its first {@code layers} layers alone, of the encoder and of the decoder.
   *
   * @throws FailureException if it has fewer
   */
  public Release withLayers(int layers) {
    ObjectNode cut = (ObjectNode) config.deepCopy();
    for (String depth : DEPTHS) {
      int whole = cut.path(depth).asInt(0);
      if (whole != 0 && (layers < 1 || layers > whole)) {
        throw FailureException.invalidParameter("--layers",
            "--layers is %d; %s has 1 to %d".formatted(layers, name, whole));
      }
      if (whole != 0) {
        cut.put(depth, layers);
      }
    }
    if (cut.path("layer_types") instanceof ArrayNode types) {
      while (types.size() > layers) {
        types.remove(types.size() - 1);
      }
    }
    return new Release(name, cut, configFile, folder);
  }

  /**
   * A checkpoint of this shape with random weights, ready to be written.
   *
   * @param dtype of the matrices; Q8_0 and Q4_0 only for GGUF, F4_E2M1 and F8_E4M3 only for folders of models that are
   *     released so
   * @param gguf whether it is a GGUF file or a Hugging Face folder
   * @throws FailureException if the family, or the family in this form, is not supported
   */
  public Synth synth(DType dtype, boolean gguf) {
    TensorPlan plan = gguf
        ? TensorPlan.gguf(modelConfig())
        : TensorPlan.released(modelConfig(), dtype == DType.F4_E2M1);
    Synth.Model model = new Synth.Model(name, config, configFile, folder, plan.tensors().values().stream()
        .map(tensor -> new Synth.TensorShape(tensor.name(), tensor.shape())).toList());
    return gguf ? Synth.gguf(model, dtype) : Synth.folder(model, dtype);
  }
}
