package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Writes a Hugging Face model folder as a GGUF file that llama.cpp reads, tensor by tensor, never the model in memory.
 *
 * <p>Vectors and the router stay F32, as in llama.cpp's converter; matrices get the wanted type, or F16 where their
 * rows are not a whole number of its blocks.
 */
public final class Convert {
  /**
   * What was written.
   *
   * @param notes what the user should know of the file, one sentence each
   */
  public record Result(Path file, long bytes, int tensors, List<String> notes) {
    public Result {
      notes = List.copyOf(notes);
    }
  }

  private final Checkpoint checkpoint;
  private final JsonNode config;
  private final GgufArchitecture architecture;
  private final @Nullable DType wanted;
  private final GgufWriter writer;
  private final List<String> notes = new ArrayList<>();
  private final List<String> oddRows = new ArrayList<>();
  private int tensors;

  private Convert(Checkpoint checkpoint, GgufArchitecture architecture, @Nullable DType wanted) {
    this.checkpoint = checkpoint;
    this.config = checkpoint.config();
    this.architecture = architecture;
    this.wanted = wanted;
    this.writer = new GgufWriter(architecture.name());
  }

  /**
   * Converts the folder {@code source} to the file {@code target}, replacing it if it exists.
   *
   * @param wanted type of the matrices; null keeps the checkpoint's
   * @throws FailureException if the source is damaged or of a family that GGUF does not have, or if the disk is full
   */
  public static Result toGguf(Path source, Path target, @Nullable DType wanted, Progress progress) {
    if (Files.isRegularFile(source)) {
      throw new FailureException(FailureCategory.INVALID_REQUEST,
          source + ": is a file; convert reads Hugging Face model folders");
    }
    Checkpoint checkpoint = Checkpoint.open(source);
    String modelType = checkpoint.config().path("model_type").asString("none");
    GgufArchitecture architecture = GgufArchitectures.forModelType(modelType)
        .orElseThrow(() -> InvalidCheckpoint.in(source, "has model_type %s; these can be written as GGUF: %s"
            .formatted(modelType, String.join(", ", GgufArchitectures.modelTypes()))));
    try {
      return new Convert(checkpoint, architecture, wanted).write(target, progress);
    } catch (ArithmeticException e) {
      throw InvalidCheckpoint.in(source, e.getMessage() + "; it cannot be converted", e);
    }
  }

  private Result write(Path target, Progress progress) {
    Map<String, GgufTensorSource> sources = sources();
    metadata();
    sources.forEach(this::announce);
    if (!oddRows.isEmpty()) {
      notes.add("Rows of these tensors are not a multiple of 32 long, so they are F16: %s."
          .formatted(String.join(", ", oddRows)));
    }
    writer.write(target, progress);
    return new Result(target, writer.size(), tensors, notes);
  }

  /** Where each tensor of the GGUF file comes from; fails on a missing tensor and on one that nothing takes. */
  private Map<String, GgufTensorSource> sources() {
    GgufTensorSource.Finder finder = new GgufTensorSource.Finder(checkpoint);
    boolean tied = config.path("tie_word_embeddings").asBoolean(false);
    Map<String, GgufTensorSource> sources = new LinkedHashMap<>();
    architecture.modelTensors().forEach((gguf, name) -> {
      boolean shared = tied && gguf.equals("output.weight");
      sources.put(gguf, finder.find(shared ? "model.embed_tokens.weight" : name));
      if (shared) {
        finder.ignore(name);
        notes.add("Input and output embedding are tied; both are written, since llama.cpp wants both.");
      }
    });
    int layers = count("num_hidden_layers");
    int experts = count("num_experts");
    for (int layer = 0; layer < layers; layer++) {
      String prefix = GgufArchitecture.LAYER + layer + ".";
      for (Map.Entry<String, String> entry : architecture.layerTensors().entrySet()) {
        String gguf = GgufArchitecture.blockName(layer, entry.getKey());
        String name = prefix + entry.getValue();
        sources.put(gguf, entry.getValue().startsWith("mlp.experts.")
            ? finder.experts(name, experts)
            : finder.find(name));
      }
    }
    finder.refuseUnused();
    return sources;
  }

  private void metadata() {
    Tensor embedding = Objects.requireNonNull(checkpoint.tensors().get("model.embed_tokens.weight"));
    Path folder = checkpoint.location();
    boolean tokenizer = GgufModelMetadata.write(writer, architecture, config, folder.resolve("config.json"), folder,
        Math.toIntExact(embedding.shape().getFirst()), name(), wanted == null ? kept(embedding.dtype()) : wanted);
    if (!tokenizer) {
      notes.add("The folder has no tokenizer.json, so the file has no tokenizer.");
    }
    noteDifferences();
  }

  private void announce(String name, GgufTensorSource source) {
    List<Long> shape = source.shape();
    DType dtype = wanted == null ? kept(source.dtype()) : wanted;
    if (shape.size() == 1 || name.endsWith("ffn_gate_inp.weight")) {
      dtype = DType.F32;
    } else if (shape.getLast() % dtype.blockElements() != 0) {
      dtype = DType.F16;
      oddRows.add(name);
    }
    DType written = dtype;
    tensors++;
    writer.tensor(name, written, shape, sink -> {
      for (Tensor part : source.parts()) {
        sink.write(part, written);
      }
    });
  }

  /** The type that is written where the checkpoint's is kept; BF16 for those that GGUF does not have. */
  private static DType kept(DType stored) {
    return GgmlType.has(stored) ? stored : DType.BF16;
  }

  /** What llama.cpp leaves out of this architecture (its {@code src/models/olmoe.cpp}). */
  private void noteDifferences() {
    if (config.path("norm_topk_prob").asBoolean(false)) {
      notes
          .add("norm_topk_prob is true, which llama.cpp ignores for this architecture; it will compute other answers.");
    }
    if (config.path("clip_qkv").isNumber()) {
      notes.add("clip_qkv is set, which llama.cpp ignores for this architecture; it will compute other answers.");
    }
    int heads = count("num_attention_heads");
    if (config.path("num_key_value_heads").asInt(heads) != heads) {
      notes.add("Query heads share key-value heads, with which llama.cpp does not load this architecture.");
    }
  }

  private int count(String field) {
    int count = config.path(field).asInt(0);
    if (count < 1 || count > 1 << 16) {
      throw InvalidCheckpoint.in(checkpoint.location().resolve("config.json"),
          "has the %s %s; a number from 1 on is needed".formatted(field, config.path(field)));
    }
    return count;
  }

  private String name() {
    Path folder = checkpoint.location().toAbsolutePath().normalize().getFileName();
    return config.path("_name_or_path").asString(folder == null ? architecture.name() : folder.toString());
  }
}
