package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes checkpoints of a true shape with random weights, for machines that cannot download the true ones: norms are 1,
 * all else is N(0, 0.02). The same arguments give the same bytes.
 */
public final class Synth {
  /** Models whose shape is built in. */
  public static final List<String> BUILT_IN = List.of("allenai/OLMoE-1B-7B-0924");

  private static final JsonMapper MAPPER = JsonMapper.shared();
  private static final long SHARD_BYTES = 5_000_000_000L;
  private static final int SMALLEST_VOCABULARY = 300;
  private static final List<String> TOKENIZER_FILES = List.of("tokenizer.json", "tokenizer_config.json",
      "chat_template.jinja");

  private final String name;
  private final JsonNode config;
  private final Path configFile;
  private final GgufArchitecture architecture;
  private final RandomWeights weights = new RandomWeights();

  private Synth(String name, JsonNode config, Path configFile) {
    this.name = name;
    this.config = config;
    this.configFile = configFile;
    String modelType = config.path("model_type").asString("none");
    this.architecture = GgufArchitectures.forModelType(modelType)
        .orElseThrow(() -> InvalidCheckpoint.in(configFile, "has model_type %s; shapes are known of: %s"
            .formatted(modelType, String.join(", ", GgufArchitectures.modelTypes()))));
    if (size("vocab_size") < SMALLEST_VOCABULARY) {
      throw InvalidCheckpoint.in(configFile, "has a vocabulary of %d; at least %d are needed for a byte-level tokenizer"
          .formatted(size("vocab_size"), SMALLEST_VOCABULARY));
    }
  }

  /**
   * Writes the checkpoint.
   *
   * @param like one of {@link #BUILT_IN}, or a folder with a {@code config.json}
   * @param dtype of the matrices; Q8_0 and Q4_0 only for GGUF
   * @param target a GGUF file if it ends in {@code .gguf} (replaced if it exists), otherwise a folder to create
   * @throws FailureException if the shape is unknown, the target exists as a folder or the disk has too little room
   */
  public static void write(String like, DType dtype, Path target, Progress progress) {
    Synth synth = like(like);
    if (target.toString().endsWith(".gguf")) {
      synth.gguf(dtype, target, progress);
    } else if (dtype.blockElements() > 1) {
      throw FailureException.invalidParameter("--dtype",
          "%s weights can only be written to GGUF: let --out end in .gguf, or choose bf16".formatted(dtype));
    } else {
      synth.folder(dtype, target, progress);
    }
  }

  private static Synth like(String like) {
    if (BUILT_IN.contains(like)) {
      String resource = like.substring(like.indexOf('/') + 1) + ".json";
      try (InputStream json = Synth.class.getResourceAsStream(resource)) {
        return new Synth(like, MAPPER.readTree(json), Path.of(resource));
      } catch (IOException e) {
        throw new IllegalStateException(resource + " cannot be read", e);
      }
    }
    Path folder = Path.of(like);
    if (!Files.isDirectory(folder)) {
      throw new FailureException(FailureCategory.NOT_FOUND,
          "%s is neither a folder with a config.json nor a known model; known are: %s"
              .formatted(like, String.join(", ", BUILT_IN)));
    }
    return new Synth(String.valueOf(folder.getFileName()), JsonFile.config(folder), folder.resolve("config.json"));
  }

  private void gguf(DType dtype, Path target, Progress progress) {
    GgufWriter writer = new GgufWriter(architecture.name());
    Disk.withTemporaryFolder(folder -> {
      tokenizer(folder);
      GgufModelMetadata.write(writer, architecture, config, configFile, folder, Math.toIntExact(size("vocab_size")),
          name, dtype);
    });
    ggufShapes().forEach((tensor, shape) -> {
      boolean matrix = shape.size() > 1 && !tensor.endsWith("ffn_gate_inp.weight");
      DType written = !matrix ? DType.F32 : shape.getLast() % dtype.blockElements() == 0 ? dtype : DType.F16;
      writer.tensor(tensor, written, shape, sink -> fill(tensor, written, shape, sink));
    });
    writer.write(target, progress);
  }

  private void folder(DType dtype, Path target, Progress progress) {
    List<SafetensorsWriter> shards = new ArrayList<>(List.of(new SafetensorsWriter()));
    List<List<String>> names = new ArrayList<>(List.of(new ArrayList<>()));
    huggingFaceShapes().forEach((tensor, shape) -> {
      if (shards.getLast().dataBytes() + dtype.bytes(elements(shape)) > SHARD_BYTES) {
        shards.add(new SafetensorsWriter());
        names.add(new ArrayList<>());
      }
      shards.getLast().tensor(tensor, dtype, shape, sink -> fill(tensor, dtype, shape, sink));
      names.getLast().add(tensor);
    });
    Disk.requireSpace(target, shards.stream().mapToLong(SafetensorsWriter::dataBytes).sum() + SHARD_BYTES / 100);
    Disk.write(target, folder -> {
      Files.createDirectory(folder);
      ObjectNode index = MAPPER.createObjectNode();
      index.putObject("metadata").put("total_size", shards.stream().mapToLong(SafetensorsWriter::dataBytes).sum());
      ObjectNode weightMap = index.putObject("weight_map");
      for (int i = 0; i < shards.size(); i++) {
        String file = shards.size() == 1
            ? SafetensorsCheckpoint.SINGLE
            : "model-%05d-of-%05d.safetensors".formatted(i + 1, shards.size());
        shards.get(i).write(folder.resolve(file), progress);
        names.get(i).forEach(tensor -> weightMap.put(tensor, file));
      }
      if (shards.size() > 1) {
        Files.writeString(folder.resolve(SafetensorsCheckpoint.INDEX), MAPPER.writeValueAsString(index));
      }
      Files.writeString(folder.resolve("config.json"),
          MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(config));
      tokenizer(folder);
    });
  }

  /** The tokenizer that the shape came with, or one of bytes. */
  private void tokenizer(Path folder) throws IOException {
    if (!Files.exists(configFile.resolveSibling("tokenizer.json"))) {
      SynthTokenizer.write(folder, config);
      return;
    }
    for (String file : TOKENIZER_FILES) {
      if (Files.exists(configFile.resolveSibling(file))) {
        Files.copy(configFile.resolveSibling(file), folder.resolve(file));
      }
    }
  }

  private void fill(String tensor, DType dtype, List<Long> shape, TensorSink sink) throws IOException {
    long elements = elements(shape);
    if (shape.size() > 1) {
      weights.write(tensor, dtype, elements, sink);
    } else {
      float[] ones = new float[Math.toIntExact(elements)];
      Arrays.fill(ones, 1);
      sink.write(tensor, ones, ones.length, dtype);
    }
  }

  private Map<String, List<Long>> ggufShapes() {
    Map<String, List<Long>> shapes = new LinkedHashMap<>();
    architecture.modelTensors().keySet().forEach(tensor -> shapes.put(tensor, shape(tensor)));
    for (int layer = 0; layer < size("num_hidden_layers"); layer++) {
      for (String tensor : architecture.layerTensors().keySet()) {
        shapes.put(GgufArchitecture.blockName(layer, tensor), shape(tensor));
      }
    }
    return shapes;
  }

  /** One matrix per expert, as the published checkpoints have them. */
  private Map<String, List<Long>> huggingFaceShapes() {
    Map<String, List<Long>> shapes = new LinkedHashMap<>();
    boolean tied = config.path("tie_word_embeddings").asBoolean(false);
    ggufShapes().forEach((gguf, shape) -> {
      String tensor = architecture.huggingFaceName(gguf).orElseThrow();
      if (shape.size() == 3) {
        int dot = tensor.lastIndexOf('.');
        for (long expert = 0; expert < shape.getFirst(); expert++) {
          shapes.put("%s.%d%s.weight".formatted(tensor.substring(0, dot), expert, tensor.substring(dot)),
              shape.subList(1, 3));
        }
      } else if (!tied || !tensor.equals("lm_head.weight")) {
        shapes.put(tensor, shape);
      }
    });
    return shapes;
  }

  /** Shape of the tensor that GGUF calls {@code tensor} (in a layer: without {@code blk.N.}). */
  private List<Long> shape(String tensor) {
    long hidden = size("hidden_size");
    long intermediate = size("intermediate_size");
    long experts = size("num_experts");
    long heads = size("num_attention_heads");
    long headSize = config.path("head_dim").asLong(hidden / heads);
    long queries = heads * headSize;
    long keys = config.path("num_key_value_heads").asLong(heads) * headSize;
    return switch (tensor) {
      case "token_embd.weight", "output.weight" -> List.of(size("vocab_size"), hidden);
      case "output_norm.weight", "attn_norm.weight", "ffn_norm.weight" -> List.of(hidden);
      case "attn_q_norm.weight" -> List.of(queries);
      case "attn_k_norm.weight" -> List.of(keys);
      case "attn_q.weight" -> List.of(queries, hidden);
      case "attn_k.weight", "attn_v.weight" -> List.of(keys, hidden);
      case "attn_output.weight" -> List.of(hidden, queries);
      case "ffn_gate_inp.weight" -> List.of(experts, hidden);
      case "ffn_gate_exps.weight", "ffn_up_exps.weight" -> List.of(experts, intermediate, hidden);
      case "ffn_down_exps.weight" -> List.of(experts, hidden, intermediate);
      default -> throw new IllegalStateException("no shape is known of " + tensor);
    };
  }

  private long size(String field) {
    long size = config.path(field).asLong(0);
    if (size < 1 || size > Integer.MAX_VALUE) {
      throw InvalidCheckpoint.in(configFile, "has the %s %s; a number from 1 on is needed"
          .formatted(field, config.path(field)));
    }
    return size;
  }

  private static long elements(List<Long> shape) {
    long elements = 1;
    for (long dimension : shape) {
      elements = Math.multiplyExact(elements, dimension);
    }
    return elements;
  }
}
