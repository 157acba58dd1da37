package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A Hugging Face folder of random weights. */
final class SynthFolder extends Synth {
  private static final JsonMapper MAPPER = JsonMapper.shared();
  private static final long SHARD_BYTES = 5_000_000_000L;
  private static final String QUANTIZATION = "quantization_config";
  /** How the configuration calls the types that only some releases have. */
  private static final Map<DType, String> METHODS = Map.of(DType.F4_E2M1, "mxfp4", DType.F8_E4M3, "fp8");
  private static final int MX_BLOCK = 32;
  /** 2^-7: the elements' mean square is 8.6. */
  private static final byte MX_SCALE = 120;
  /** The elements' mean square is about 3.5. */
  private static final float FP8_SCALE = 0.0105f;

  private final List<SafetensorsWriter> shards = new ArrayList<>(List.of(new SafetensorsWriter()));
  private final List<List<String>> names = new ArrayList<>(List.of(new ArrayList<>()));

  SynthFolder(Model model, DType dtype) {
    super(model, dtype);
    String method = METHODS.get(dtype);
    String released = model.config().path(QUANTIZATION).path("quant_method").asString("none");
    if (method != null && !method.equals(released)) {
      throw FailureException.invalidParameter("--dtype", "%s is not released in %s; choose bf16"
          .formatted(model.name(), method));
    }
    if (method == null && dtype.blockElements() > 1) {
      throw FailureException.invalidParameter("--dtype",
          "%s weights can only be written to GGUF: let --out end in .gguf, or choose bf16".formatted(dtype));
    }
    model.tensors().forEach(this::announce);
  }

  private void announce(TensorShape tensor) {
    DType type = storedType(tensor, dtype);
    switch (type) {
      case F4_E2M1 -> announceMxfp4(tensor);
      case F8_E4M3 -> announceFp8(tensor);
      default -> shard(tensor.name(), type.bytes(tensor.elements()))
          .tensor(tensor.name(), type, tensor.shape(), sink -> fill(tensor, type, sink));
    }
  }

  /** Blocks and scales as gpt-oss has them. */
  private void announceMxfp4(TensorShape tensor) {
    long blocks = tensor.elements() / MX_BLOCK;
    List<Long> rows = tensor.shape().subList(0, tensor.shape().size() - 1);
    List<Long> scaleShape = new ArrayList<>(rows);
    scaleShape.add(tensor.shape().getLast() / MX_BLOCK);
    List<Long> blockShape = new ArrayList<>(scaleShape);
    blockShape.add(MX_BLOCK / 2L);
    shard(tensor.name() + "_blocks", blocks * MX_BLOCK / 2)
        .bytes(tensor.name() + "_blocks", blockShape, sink -> fill(tensor, DType.F4_E2M1, sink));
    shard(tensor.name() + "_scales", blocks).bytes(tensor.name() + "_scales", scaleShape, sink -> {
      byte[] scales = new byte[TensorSink.CHUNK];
      Arrays.fill(scales, MX_SCALE);
      for (long done = 0; done < blocks; done += scales.length) {
        sink.write(Arrays.copyOf(scales, (int) Math.min(scales.length, blocks - done)));
      }
    });
  }

  /** A matrix and the scales of its blocks as DeepSeek-V3 has them. */
  private void announceFp8(TensorShape tensor) {
    JsonNode block = model.config().path(QUANTIZATION).path("weight_block_size");
    List<Long> scaleShape = List.of(Math.ceilDiv(tensor.shape().get(0), block.path(0).asLong(1)),
        Math.ceilDiv(tensor.shape().get(1), block.path(1).asLong(1)));
    long scales = scaleShape.get(0) * scaleShape.get(1);
    String scaleName = tensor.name() + "_scale_inv";
    shard(tensor.name(), tensor.elements())
        .tensor(tensor.name(), DType.F8_E4M3, tensor.shape(), sink -> fill(tensor, DType.F8_E4M3, sink));
    shard(scaleName, DType.F32.bytes(scales)).tensor(scaleName, DType.F32, scaleShape,
        sink -> constant(scaleName, FP8_SCALE, scales, DType.F32, sink));
  }

  /** The file that takes {@code tensor}, a new one where it would grow too large. */
  private SafetensorsWriter shard(String tensor, long bytes) {
    if (shards.getLast().dataBytes() + bytes > SHARD_BYTES && shards.getLast().dataBytes() > 0) {
      shards.add(new SafetensorsWriter());
      names.add(new ArrayList<>());
    }
    names.getLast().add(tensor);
    return shards.getLast();
  }

  @Override
  public long bytes() {
    return shards.stream().mapToLong(SafetensorsWriter::dataBytes).sum();
  }

  @Override
  public void write(Path target, Progress progress) {
    // Headers and the tokenizer come on top.
    Disk.requireSpace(target, bytes() + bytes() / 100);
    Disk.write(target, folder -> {
      Files.createDirectory(folder);
      ObjectNode index = MAPPER.createObjectNode();
      index.putObject("metadata").put("total_size", bytes());
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
      config(folder);
      tokenizer(folder);
    });
  }

  /** As released, except that it does not speak of a quantisation that was not written. */
  private void config(Path folder) throws IOException {
    ObjectNode config = (ObjectNode) model.config().deepCopy();
    if (!METHODS.containsKey(dtype)) {
      config.remove(QUANTIZATION);
    }
    Files.writeString(folder.resolve("config.json"),
        MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(config));
  }
}
