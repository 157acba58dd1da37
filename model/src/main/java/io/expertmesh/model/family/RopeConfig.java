package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Rotary;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The rotary part of {@code config.json}, in its newer form ({@code rope_parameters}) and its older one
 * ({@code rope_theta}, {@code rope_scaling}); transformers {@code modeling_rope_utils.py}.
 */
final class RopeConfig {
  private static final String NEW = "rope_parameters";
  private static final String OLD = "rope_scaling";
  /** By type: the options that are understood. */
  private static final Map<String, Set<String>> OPTIONS = Map.of(
      "default", Set.of(),
      "linear", Set.of("factor"),
      "divided", Set.of("factors"),
      "longrope", Set.of("short_factor", "long_factor", "short_mscale", "long_mscale",
          "original_max_position_embeddings"),
      "llama3", Set.of("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"),
      "yarn", Set.of("factor", "original_max_position_embeddings", "beta_fast", "beta_slow", "mscale",
          "mscale_all_dim", "attention_factor", "truncate"));
  /** What most families have. */
  private static final Set<String> USUAL = Set.of("default", "linear", "divided", "llama3", "yarn");
  private static final Set<String> COMMON = Set.of("rope_theta", "rope_type", "type", "partial_rotary_factor");
  private static final int MAX_CONTEXT = 1 << 24;

  private final ModelConfig config;
  private final String section;
  private final String type;
  private final float theta;

  private RopeConfig(ModelConfig config, float absentTheta) {
    this(config, absentTheta, USUAL);
  }

  private RopeConfig(ModelConfig config, float absentTheta, Set<String> supported) {
    this.config = config;
    this.section = config.has(NEW) ? NEW : OLD;
    String name = config.text(section + ".rope_type");
    String oldName = config.text(section + ".type");
    this.type = name != null ? name : oldName != null ? oldName : "default";
    String thetaPath = config.has(NEW + ".rope_theta") ? NEW + ".rope_theta" : "rope_theta";
    this.theta = config.has(thetaPath) ? config.positiveFloat(thetaPath) : absentTheta;
    Set<String> options = OPTIONS.get(type);
    if (options == null || !supported.contains(type)) {
      throw config.invalid("\"%s\" has the type \"%s\"; supported for %s: %s".formatted(section, type,
          config.modelType(), String.join(", ", new TreeSet<>(supported))));
    }
    for (String field : config.fields(section)) {
      if (!options.contains(field) && !COMMON.contains(field)) {
        throw config.invalid("\"%s.%s\" is not known for the type \"%s\"".formatted(section, field, type));
      }
    }
  }

  /** Without scaling, whatever the configuration says. */
  static Rotary unscaled(Rotary.Layout layout, int dims, float theta) {
    return new Rotary(layout, frequencies(theta, dims), 1f);
  }

  private static float[] frequencies(float theta, int dims) {
    float[] frequencies = new float[dims / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = 1f / (float) StrictMath.pow(theta, (float) (2 * i) / dims);
    }
    return frequencies;
  }

  /** {@link #of(ModelConfig, Rotary.Layout, int, float)} for families whose theta is 10000 where none is given. */
  static Rotary of(ModelConfig config, Rotary.Layout layout, int dims) {
    return of(config, layout, dims, 10_000f);
  }

  /**
   * The rotation of {@code dims} floats of each head.
   *
   * @param absentTheta what the family's class takes where the configuration has no {@code rope_theta}
   * @throws io.expertmesh.model.failure.FailureException INVALID_CHECKPOINT if the scaling or an option of it is not
   *     known
   */
  static Rotary of(ModelConfig config, Rotary.Layout layout, int dims, float absentTheta) {
    RopeConfig rope = new RopeConfig(config, absentTheta);
    rope.requireWhole();
    return rope.rotary(layout, dims);
  }

  private void requireWhole() {
    float part = part(1f);
    if (part != 1f) {
      throw config.invalid("\"partial_rotary_factor\" is %s; %s models rotate whole heads"
          .formatted(part, config.modelType()));
    }
  }

  /**
   * The rotation of {@code dims} floats of each head, without scaling or with LongRoPE (arXiv 2402.13753) as Phi-3.5-MoE
   * has it: one factor for each frequency and one magnitude for short sequences, others for long ones.
   */
  static Rotary byLength(ModelConfig config, Rotary.Layout layout, int dims, float absentTheta) {
    RopeConfig rope = new RopeConfig(config, absentTheta, Set.of("default", "longrope"));
    rope.requireWhole();
    if (rope.type.equals("default")) {
      return rope.rotary(layout, dims);
    }
    Rotary beyond = new Rotary(layout, rope.divisors("long_factor", dims), rope.positive("long_mscale"));
    return new Rotary(layout, rope.divisors("short_factor", dims), rope.positive("short_mscale"),
        new Rotary.Extension((int) rope.originalContext(), beyond));
  }

  private float positive(String option) {
    return config.positiveFloat(section + "." + option);
  }

  /** Frequencies, each divided by a factor of its own. */
  private float[] divisors(String option, int dims) {
    float[] factors = config.positiveFloats(section + "." + option, dims / 2);
    float[] frequencies = new float[dims / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = 1f / (factors[i] * (float) StrictMath.pow(theta, (float) (2 * i) / dims));
    }
    return frequencies;
  }

  /**
   * The rotation of the first {@code partial_rotary_factor} of a head's floats; the rest passes.
   *
   * @param absentPart what the family's class takes where the configuration has no such factor
   */
  static Rotary ofPart(ModelConfig config, Rotary.Layout layout, int headDim, float absentPart) {
    RopeConfig rope = new RopeConfig(config, 10_000f);
    float part = rope.part(absentPart);
    int dims = (int) (headDim * part);
    if (dims < 2 || dims > headDim || dims % 2 != 0) {
      throw config.invalid("\"partial_rotary_factor\" is %s: %d of %d floats of a head would be rotated, in pairs"
          .formatted(part, dims, headDim));
    }
    return rope.rotary(layout, dims);
  }

  private float part(float absent) {
    String name = "partial_rotary_factor";
    return config.number(section + "." + name, config.number(name, absent));
  }

  private Rotary rotary(Rotary.Layout layout, int dims) {
    float[] frequencies = frequencies(theta, dims);
    return switch (type) {
      case "linear" -> linear(layout, frequencies);
      case "divided" -> divided(layout, frequencies);
      case "llama3" -> llama3(layout, frequencies);
      case "yarn" -> yarn(layout, frequencies);
      default -> new Rotary(layout, frequencies, 1f);
    };
  }

  /**
   * What DeepSeek multiplies the scale of its scores by: {@code (0.1 * mscale_all_dim * ln(factor) + 1)^2}, or 1 without
   * scaling or {@code mscale_all_dim}.
   */
  static float scoreFactor(ModelConfig config) {
    RopeConfig rope = new RopeConfig(config, 10_000f);
    float all = rope.type.equals("default") ? 0 : config.number(rope.section + ".mscale_all_dim", 0);
    if (all == 0) {
      return 1f;
    }
    float factor = mscale(rope.factor(), all);
    return factor * factor;
  }

  private Rotary linear(Rotary.Layout layout, float[] frequencies) {
    float factor = config.positiveFloat(section + ".factor");
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] /= factor;
    }
    return new Rotary(layout, frequencies, 1f);
  }

  /** Each frequency by a factor of its own: what GGUF files have instead of Llama 3's options. */
  private Rotary divided(Rotary.Layout layout, float[] frequencies) {
    float[] factors = config.positiveFloats(section + ".factors", frequencies.length);
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] /= factors[i];
    }
    return new Rotary(layout, frequencies, 1f);
  }

  /** Long wavelengths are stretched, short ones stay, those between change smoothly. */
  private Rotary llama3(Rotary.Layout layout, float[] frequencies) {
    float factor = config.positiveFloat(section + ".factor");
    float low = config.positiveFloat(section + ".low_freq_factor");
    float high = config.positiveFloat(section + ".high_freq_factor");
    if (high <= low) {
      throw config.invalid("\"%s.high_freq_factor\" is %s; it must be above low_freq_factor, %s"
          .formatted(section, high, low));
    }
    float original = originalContext();
    for (int i = 0; i < frequencies.length; i++) {
      float frequency = frequencies[i];
      float wavelength = (float) (2 * Math.PI) / frequency;
      if (wavelength > original / low) {
        frequencies[i] = frequency / factor;
      } else if (wavelength >= original / high) {
        float smooth = (original / wavelength - low) / (high - low);
        frequencies[i] = (1 - smooth) * frequency / factor + smooth * frequency;
      }
    }
    return new Rotary(layout, frequencies, 1f);
  }

  /** arXiv 2309.00071. */
  private Rotary yarn(Rotary.Layout layout, float[] frequencies) {
    float factor = factor();
    int dims = 2 * frequencies.length;
    double low = rotationsAt(config.number(section + ".beta_fast", 32f), dims);
    double high = rotationsAt(config.number(section + ".beta_slow", 1f), dims);
    if (config.bool(section + ".truncate", true)) {
      low = Math.floor(low);
      high = Math.ceil(high);
    }
    low = Math.max(low, 0);
    high = Math.min(high, dims - 1);
    float width = (float) (high == low ? 0.001 : high - low);
    for (int i = 0; i < frequencies.length; i++) {
      float ramp = Math.clamp((i - (float) low) / width, 0f, 1f);
      float extrapolated = 1 - ramp;
      frequencies[i] = frequencies[i] / factor * (1 - extrapolated) + frequencies[i] * extrapolated;
    }
    return new Rotary(layout, frequencies, attentionFactor(factor));
  }

  /** The (fractional) index of the pair that turns {@code rotations} times over the original context. */
  private double rotationsAt(float rotations, int dims) {
    return dims * StrictMath.log(originalContext() / (rotations * 2 * Math.PI)) / (2 * StrictMath.log(theta));
  }

  private float attentionFactor(float factor) {
    if (config.has(section + ".attention_factor")) {
      return config.positiveFloat(section + ".attention_factor");
    }
    float mscale = config.number(section + ".mscale", 0);
    float all = config.number(section + ".mscale_all_dim", 0);
    return mscale != 0 && all != 0 ? mscale(factor, mscale) / mscale(factor, all) : mscale(factor, 1);
  }

  private static float mscale(float factor, float weight) {
    return factor <= 1 ? 1f : (float) (0.1 * weight * StrictMath.log(factor) + 1);
  }

  private float factor() {
    return config.has(section + ".factor")
        ? config.positiveFloat(section + ".factor")
        : config.positiveInt("max_position_embeddings", MAX_CONTEXT) / originalContext();
  }

  /** Positions that the model was trained with before it was stretched. */
  private float originalContext() {
    String name = "original_max_position_embeddings";
    int context = config.positiveInt("max_position_embeddings", MAX_CONTEXT);
    return config.positiveInt(name, MAX_CONTEXT, config.positiveInt(section + "." + name, MAX_CONTEXT, context));
  }
}
