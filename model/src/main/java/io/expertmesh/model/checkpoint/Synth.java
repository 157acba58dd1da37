package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Writes checkpoints of a true shape with random weights, for machines that cannot download the true ones: norms are 1,
 * all else is N(0, 0.02). The same arguments give the same bytes.
 */
public abstract sealed class Synth permits SynthFolder, SynthGguf {
  private static final int SMALLEST_VOCABULARY = 300;
  private static final List<String> TOKENIZER_FILES = List.of("tokenizer.json", "tokenizer.model", "spiece.model",
      "sentencepiece.bpe.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
      "chat_template.jinja", "generation_config.json");

  /** What is written, and of which type its matrices are. */
  final Model model;
  final DType dtype;
  private final RandomWeights weights = new RandomWeights();

  Synth(Model model, DType dtype) {
    this.model = model;
    this.dtype = dtype;
    int vocabulary = model.config().path("vocab_size").asInt(0);
    if (vocabulary < SMALLEST_VOCABULARY) {
      throw InvalidCheckpoint.in(model.configFile(),
          "has a vocabulary of %d; at least %d are needed for a byte-level tokenizer"
              .formatted(vocabulary, SMALLEST_VOCABULARY));
    }
  }

  /**
   * A model.
   *
   * @param configFile the file that {@code config} is from, for messages
   * @param tokenizer a folder with a tokenizer to copy; null to make one up
   * @param tensors all of them, with the names that the kind of checkpoint has in Hugging Face's terms
   */
  public record Model(String name, JsonNode config, Path configFile, @Nullable Path tokenizer,
      List<TensorShape> tensors) {
    public Model {
      tensors = List.copyOf(tensors);
    }
  }

  /**
   * @param shape slowest dimension first
   */
  public record TensorShape(String name, List<Long> shape) {
    public TensorShape {
      shape = List.copyOf(shape);
    }

    long elements() {
      return shape.stream().reduce(1L, Math::multiplyExact);
    }
  }

  /**
   * A Hugging Face folder.
   *
   * @param dtype F32, F16, BF16; F4_E2M1 for the experts of a model that is released in MXFP4 and F8_E4M3 for the
   *     projections of one that is released in FP8, all else being BF16 then
   * @throws FailureException if the checkpoint cannot have this type
   */
  public static Synth folder(Model model, DType dtype) {
    return new SynthFolder(model, dtype);
  }

  /**
   * A GGUF file.
   *
   * @param model its tensors with the names that GGUF files are shown with
   * @param dtype F32, F16, BF16, Q8_0 or Q4_0
   * @throws FailureException if such models are not written as GGUF
   */
  public static Synth gguf(Model model, DType dtype) {
    return new SynthGguf(model, dtype);
  }

  /**
   * The type that {@code tensor} of a folder has.
   *
   * @param wanted as {@link #folder} takes it
   */
  public static DType storedType(TensorShape tensor, DType wanted) {
    return switch (wanted) {
      case F4_E2M1 -> tensor.shape().size() == 3 ? wanted : DType.BF16;
      case F8_E4M3 -> tensor.shape().size() == 2 && tensor.name().contains("_proj") ? wanted : DType.BF16;
      default -> wanted;
    };
  }

  /** What it takes on the disk, about. */
  public abstract long bytes();

  /**
   * Writes it.
   *
   * @throws FailureException if the target cannot be written or the disk has too little room
   */
  public abstract void write(Path target, Progress progress);

  /** Puts the tokenizer that the shape came with, or one of bytes, into {@code folder}. */
  void tokenizer(Path folder) throws IOException {
    Path source = model.tokenizer();
    if (source == null) {
      SynthTokenizer.write(folder, model.config());
      return;
    }
    for (String file : TOKENIZER_FILES) {
      if (Files.exists(source.resolve(file))) {
        Files.copy(source.resolve(file), folder.resolve(file));
      }
    }
  }

  /** Writes the elements of {@code tensor}; the vectors called {@code weight} are those of norms. */
  void fill(TensorShape tensor, DType type, TensorSink sink) throws IOException {
    long elements = tensor.elements();
    if (tensor.shape().size() > 1 || !tensor.name().endsWith(".weight")) {
      weights.write(tensor.name(), type, elements, sink);
    } else {
      constant(tensor.name(), 1, elements, type, sink);
    }
  }

  static void constant(String name, float value, long elements, DType type, TensorSink sink) throws IOException {
    float[] values = new float[(int) Math.min(TensorSink.CHUNK, elements)];
    Arrays.fill(values, value);
    for (long done = 0; done < elements; done += values.length) {
      sink.write(name, values, (int) Math.min(values.length, elements - done), type);
    }
  }
}
