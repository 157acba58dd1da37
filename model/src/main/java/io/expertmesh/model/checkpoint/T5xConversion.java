package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes OpenMoE weights under the training framework's names, in an {@code .npz} or safetensors file, as a Hugging Face
 * folder, one tensor in memory at a time.
 */
public final class T5xConversion {
  private static final long SHARD_BYTES = 5_000_000_000L;
  private static final int BLOCK_BYTES = 1 << 22;
  /** Archives of whole training states hold the model under this prefix, and the optimizer elsewhere. */
  private static final String TARGET = "target/";
  private static final List<String> BESIDE_CONFIG = List.of("spiece.model", "tokenizer.json", "tokenizer_config.json",
      "special_tokens_map.json", "generation_config.json", "chat_template.jinja");

  /** The arrays of a file. */
  private sealed interface Archive {
    Map<String, List<Long>> shapes();

    DType dtype(String name);

    Tensor read(String name, Arena arena) throws IOException;

    record Npz(NpzFile file) implements Archive {
      @Override
      public Map<String, List<Long>> shapes() {
        return file.shapes();
      }

      @Override
      public DType dtype(String name) {
        return file.dtype(name);
      }

      @Override
      public Tensor read(String name, Arena arena) throws IOException {
        return file.read(name, arena);
      }
    }

    record Safetensors(Map<String, Tensor> tensors) implements Archive {
      @Override
      public Map<String, List<Long>> shapes() {
        Map<String, List<Long>> shapes = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> shapes.put(name, tensor.shape()));
        return shapes;
      }

      @Override
      public DType dtype(String name) {
        return read(name).dtype();
      }

      @Override
      public Tensor read(String name, Arena arena) {
        return read(name);
      }

      private Tensor read(String name) {
        return Objects.requireNonNull(tensors.get(name), name);
      }
    }
  }

  private final Path weights;
  private final Archive archive;
  private final JsonNode config;
  private final Path configFile;
  private final @Nullable DType wanted;

  private T5xConversion(Path weights, Archive archive, JsonNode config, Path configFile, @Nullable DType wanted) {
    this.weights = weights;
    this.archive = archive;
    this.config = config;
    this.configFile = configFile;
    this.wanted = wanted;
  }

  /**
   * Converts the file {@code weights} to the new folder {@code target}; the tokenizer beside {@code configFile} goes
   * with it.
   *
   * @param configFile the model's {@code config.json}, which such archives do not have
   * @param wanted F32, F16 or BF16; null keeps the archive's
   * @throws FailureException if the archive is damaged or contradicts the configuration, the folder exists, or the disk
   *     is full
   */
  public static Convert.Result toFolder(Path weights, Path configFile, Path target, @Nullable DType wanted,
      Progress progress) {
    if (wanted != null && wanted.blockElements() > 1) {
      throw FailureException.invalidParameter("--quantize",
          "%s weights can only be written to GGUF; choose bf16, f16 or f32".formatted(wanted));
    }
    JsonNode config = JsonFile.read(configFile);
    if (!weights.toString().endsWith(".npz")) {
      return new T5xConversion(weights, new Archive.Safetensors(SafetensorsFile.open(weights)), config, configFile,
          wanted).write(target, progress);
    }
    try (NpzFile npz = new NpzFile(weights)) {
      return new T5xConversion(weights, new Archive.Npz(npz), config, configFile, wanted).write(target, progress);
    } catch (IOException e) {
      throw Disk.failure(target, e);
    }
  }

  private Convert.Result write(Path target, Progress progress) {
    Map<String, T5xNames.Source> sources = sources();
    List<SafetensorsWriter> shards = new ArrayList<>(List.of(new SafetensorsWriter()));
    Map<String, Integer> shardOf = new LinkedHashMap<>();
    sources.forEach((name, source) -> {
      DType dtype = wanted == null ? archive.dtype(source.name()) : wanted;
      List<Long> shape = source.transposed() ? source.shape().reversed() : source.shape();
      long bytes = dtype.bytes(shape.stream().reduce(1L, Math::multiplyExact));
      if (shards.getLast().dataBytes() > 0 && shards.getLast().dataBytes() + bytes > SHARD_BYTES) {
        shards.add(new SafetensorsWriter());
      }
      shards.getLast().tensor(name, dtype, shape, sink -> copy(source, dtype, sink));
      shardOf.put(name, shards.size() - 1);
    });
    long bytes = shards.stream().mapToLong(SafetensorsWriter::dataBytes).sum();
    Disk.requireSpace(target, bytes + BLOCK_BYTES);
    List<String> notes = new ArrayList<>();
    Disk.write(target, folder -> {
      Files.createDirectory(folder);
      for (int i = 0; i < shards.size(); i++) {
        shards.get(i).write(folder.resolve(shardName(i, shards.size())), progress);
      }
      if (shards.size() > 1) {
        Files.writeString(folder.resolve(SafetensorsCheckpoint.INDEX), index(shardOf, shards.size(), bytes));
      }
      Files.copy(configFile, folder.resolve("config.json"));
      if (!copyTokenizer(folder)) {
        notes.add("There is no tokenizer beside %s; put spiece.model or tokenizer.json into the folder."
            .formatted(configFile));
      }
    });
    return new Convert.Result(target, bytes, sources.size(), notes);
  }

  /** By Hugging Face name; fails on a tensor that is missing, has another shape or belongs nowhere. */
  private Map<String, T5xNames.Source> sources() {
    Map<String, List<Long>> shapes = new LinkedHashMap<>(archive.shapes());
    boolean wholeState = shapes.keySet().stream().anyMatch(name -> name.startsWith(TARGET));
    Map<String, T5xNames.Source> sources = new LinkedHashMap<>();
    T5xNames.of(config, configFile).forEach((name, source) -> {
      String inArchive = wholeState ? TARGET + source.name() : source.name();
      List<Long> shape = shapes.remove(inArchive);
      if (shape == null) {
        throw InvalidCheckpoint.in(weights, "tensor %s is missing".formatted(inArchive));
      }
      if (!shape.equals(source.shape())) {
        throw InvalidCheckpoint.in(weights, "tensor %s has shape %s, but %s asks for %s"
            .formatted(inArchive, shape, configFile, source.shape()));
      }
      sources.put(name, new T5xNames.Source(inArchive, shape, source.transposed()));
    });
    shapes.keySet().stream().filter(name -> !wholeState || name.startsWith(TARGET)).findFirst().ifPresent(name -> {
      throw InvalidCheckpoint.in(weights,
          "tensor %s is not part of an OpenMoE model of %s".formatted(name, configFile));
    });
    return sources;
  }

  private void copy(T5xNames.Source source, DType dtype, TensorSink sink) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      Tensor tensor = archive.read(source.name(), arena);
      if (source.transposed()) {
        transpose(tensor, dtype, sink, arena);
      } else {
        sink.write(tensor, dtype);
      }
    }
  }

  /** Some columns at a time, so that the rows are read in long runs. */
  private static void transpose(Tensor tensor, DType dtype, TensorSink sink, Arena arena) throws IOException {
    long rows = tensor.shape().getFirst();
    long columns = tensor.shape().getLast();
    long size = tensor.dtype().bytes(1);
    long width = Math.clamp(BLOCK_BYTES / (rows * size), 1, columns);
    MemorySegment block = arena.allocate(width * rows * size, Long.BYTES);
    for (long from = 0; from < columns; from += width) {
      long count = Math.min(width, columns - from);
      for (long row = 0; row < rows; row++) {
        for (long column = 0; column < count; column++) {
          MemorySegment.copy(tensor.data(), (row * columns + from + column) * size, block,
              (column * rows + row) * size, size);
        }
      }
      sink.write(new Tensor(tensor.name(), tensor.dtype(), List.of(count, rows),
          block.asSlice(0, count * rows * size)), dtype);
    }
  }

  private static String shardName(int index, int count) {
    return count == 1 ? SafetensorsCheckpoint.SINGLE
        : "model-%05d-of-%05d.safetensors".formatted(index + 1, count);
  }

  private static String index(Map<String, Integer> shardOf, int shards, long bytes) {
    ObjectNode index = JsonMapper.shared().createObjectNode();
    index.putObject("metadata").put("total_size", bytes);
    ObjectNode files = index.putObject("weight_map");
    shardOf.forEach((name, shard) -> files.put(name, shardName(shard, shards)));
    return index.toString();
  }

  private boolean copyTokenizer(Path folder) throws IOException {
    for (String file : BESIDE_CONFIG) {
      Path beside = configFile.resolveSibling(file);
      if (Files.exists(beside)) {
        Files.copy(beside, folder.resolve(file));
      }
    }
    return Files.exists(folder.resolve("spiece.model")) || Files.exists(folder.resolve("tokenizer.json"));
  }
}
