package io.expertmesh.model.checkpoint;

import java.util.OptionalDouble;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Rotary positions of a GGUF file as {@code rope_scaling} in {@code config.json}. */
final class GgufRope {
  private static final String FACTORS = "rope_freqs.weight";
  private static final String LONG = "rope_factors_long.weight";
  private static final String SHORT = "rope_factors_short.weight";
  /** Tensors that become part of the configuration. */
  static final Set<String> TENSORS = Set.of(FACTORS, LONG, SHORT);

  private final GgufFile file;
  private final GgufArchitecture architecture;
  private final ObjectNode config;

  private GgufRope(GgufFile file, GgufArchitecture architecture, ObjectNode config) {
    this.file = file;
    this.architecture = architecture;
    this.config = config;
  }

  static void write(GgufFile file, GgufArchitecture architecture, ObjectNode config) {
    new GgufRope(file, architecture, config).write();
  }

  private void write() {
    Tensor factors = file.tensors().get(FACTORS);
    Tensor longFactors = file.tensors().get(LONG);
    Tensor shortFactors = file.tensors().get(SHORT);
    if (longFactors != null || shortFactors != null) {
      byLength(tensor(shortFactors, SHORT), tensor(longFactors, LONG));
      return;
    }
    if (factors != null) {
      // The converter has worked out Llama 3's scaling, factor by factor.
      ObjectNode scaling = config.putObject("rope_scaling");
      scaling.put("rope_type", "divided");
      factors(scaling.putArray("factors"), factors);
      return;
    }
    String type = file.metadata().text(architecture.key("rope.scaling.type")).orElse("none");
    if (!type.equals("none")) {
      scaled(type);
    } else if (architecture.modelType().equals("gpt_oss")) {
      config.putObject("rope_scaling").put("rope_type", "default"); // where config.json says nothing it may mean more
    }
  }

  private Tensor tensor(@Nullable Tensor tensor, String name) {
    if (tensor == null) {
      throw InvalidCheckpoint.in(file.metadata().file(), "tensor %s is missing".formatted(name));
    }
    return tensor;
  }

  private void byLength(Tensor shortFactors, Tensor longFactors) {
    ObjectNode scaling = config.putObject("rope_scaling");
    scaling.put("rope_type", "longrope");
    double magnitude = real("attn_factor").orElse(1.0);
    // Phi-3.5-MoE has them under these names.
    scaling.put("short_mscale", magnitude);
    scaling.put("long_mscale", magnitude);
    originalLength(scaling);
    if (!scaling.has("original_max_position_embeddings")) {
      scaling.set("original_max_position_embeddings", config.get("max_position_embeddings"));
    }
    factors(scaling.putArray("short_factor"), shortFactors);
    factors(scaling.putArray("long_factor"), longFactors);
  }

  private static void factors(ArrayNode target, Tensor factors) {
    for (float factor : Quantizer.vector(factors)) {
      target.add(factor);
    }
  }

  private void scaled(String type) {
    ObjectNode scaling = config.putObject("rope_scaling");
    scaling.put("rope_type", type);
    real("factor").ifPresent(factor -> scaling.put("factor", factor));
    originalLength(scaling);
    real("yarn_beta_fast").ifPresent(beta -> scaling.put("beta_fast", beta));
    real("yarn_beta_slow").ifPresent(beta -> scaling.put("beta_slow", beta));
    real("yarn_attn_factor").ifPresent(factor -> scaling.put("attention_factor", factor));
    // Files of DeepSeek have 0.1 * mscale_all_dim, and mean mscale by it too.
    real("yarn_log_multiplier").ifPresent(multiplier -> {
      double mscale = Math.round(multiplier * 1e7) / 1e6;
      scaling.put("mscale", mscale);
      scaling.put("mscale_all_dim", mscale);
    });
    if (architecture.modelType().equals("gpt_oss")) {
      scaling.put("truncate", false); // as released; no key says so
    }
  }

  private void originalLength(ObjectNode scaling) {
    file.metadata().integer(architecture.key("rope.scaling.original_context_length"))
        .ifPresent(length -> scaling.set("original_max_position_embeddings", GgufField.integer(length)));
  }

  private OptionalDouble real(String key) {
    return file.metadata().real(architecture.key("rope.scaling." + key));
  }
}
