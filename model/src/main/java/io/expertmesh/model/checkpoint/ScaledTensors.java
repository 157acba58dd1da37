package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.BlockScales;
import io.expertmesh.kernels.DType;
import io.expertmesh.model.failure.FailureException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * Weights of safetensors files whose scales are tensors of their own, joined with these:
 * <ul>
 *   <li>FP8 as DeepSeek-V3 has it: {@code X} F8_E4M3 (rows, cols) and {@code X_scale_inv} of blocks of
 *       {@code quantization_config.weight_block_size};
 *   <li>MXFP4 as gpt-oss has it: {@code X_blocks} U8 (..., rows, cols / 32, 16) and {@code X_scales} U8
 *       (..., rows, cols / 32) are the tensor {@code X} (..., rows, cols).
 * </ul>
 */
final class ScaledTensors {
  private static final String BLOCKS = "_blocks";
  private static final String SCALES = "_scales";
  private static final String SCALE_INV = "_scale_inv";
  private static final int MX_BLOCK = 32;

  private final Path folder;
  private final JsonNode config;
  private final Map<String, Tensor> parts;

  private ScaledTensors(Path folder, JsonNode config, Map<String, Tensor> parts) {
    this.folder = folder;
    this.config = config;
    this.parts = parts;
  }

  /** What a U8 tensor of MXFP4 weights holds. */
  static Optional<DType> mxfp4Part(SafetensorsHeader.Entry entry) {
    if (entry.name().endsWith(BLOCKS) && entry.shape().size() > 2 && entry.shape().getLast() == MX_BLOCK / 2) {
      return Optional.of(DType.F4_E2M1);
    }
    return entry.name().endsWith(SCALES) ? Optional.of(DType.F8_E8M0) : Optional.empty();
  }

  /** The shape in elements: blocks of 16 bytes are runs of 32 elements. */
  static List<Long> elementShape(SafetensorsHeader.Entry entry, DType dtype) {
    if (dtype != DType.F4_E2M1) {
      return entry.shape();
    }
    List<Long> shape = new ArrayList<>(entry.shape().subList(0, entry.shape().size() - 1));
    // What does not fit is too large for any file.
    shape.set(shape.size() - 1, Math.min(shape.getLast(), Long.MAX_VALUE / MX_BLOCK) * MX_BLOCK);
    return shape;
  }

  /**
   * The tensors in their order, scales joined with what they belong to.
   *
   * @param folder for messages
   */
  static Map<String, Tensor> join(Path folder, JsonNode config, Map<String, Tensor> tensors) {
    return new ScaledTensors(folder, config, tensors).join();
  }

  private Map<String, Tensor> join() {
    Map<String, Tensor> joined = new LinkedHashMap<>();
    for (Tensor tensor : parts.values()) {
      switch (tensor.dtype()) {
        case F4_E2M1 -> {
          Tensor whole = mxfp4(tensor);
          if (parts.containsKey(whole.name())) {
            throw invalid("tensor %s is there beside %s".formatted(whole.name(), tensor.name()));
          }
          joined.put(whole.name(), whole);
        }
        case F8_E4M3 -> joined.put(tensor.name(), fp8(tensor));
        default -> {
          if (!isScaleOfAnother(tensor)) {
            joined.put(tensor.name(), tensor);
          }
        }
      }
    }
    return joined;
  }

  private boolean isScaleOfAnother(Tensor tensor) {
    String name = tensor.name();
    if (name.endsWith(SCALES) && tensor.dtype() == DType.F8_E8M0) {
      String blocks = name.substring(0, name.length() - SCALES.length()) + BLOCKS;
      if (!parts.containsKey(blocks)) {
        throw invalid("tensor %s has the scales of %s, which is missing".formatted(name, blocks));
      }
      return true;
    }
    if (!name.endsWith(SCALE_INV)) {
      return false;
    }
    Tensor weight = parts.get(name.substring(0, name.length() - SCALE_INV.length()));
    return weight != null && weight.dtype() == DType.F8_E4M3;
  }

  private Tensor mxfp4(Tensor blocks) {
    String name = blocks.name().substring(0, blocks.name().length() - BLOCKS.length());
    List<Long> scaleShape = new ArrayList<>(blocks.shape());
    scaleShape.set(scaleShape.size() - 1, blocks.shape().getLast() / MX_BLOCK);
    return new Tensor(name, DType.F4_E2M1, blocks.shape(), blocks.data(), null,
        scales(blocks, name + SCALES, 1, MX_BLOCK, scaleShape));
  }

  private Tensor fp8(Tensor weight) {
    JsonNode block = config.path("quantization_config").path("weight_block_size");
    if (block.size() != 2 || block.path(0).asInt(0) < 1 || block.path(1).asInt(0) < 1) {
      throw invalid("tensor %s is F8_E4M3, but config.json has the quantization_config.weight_block_size %s, not two "
          .formatted(weight.name(), block.isMissingNode() ? "none" : block) + "numbers from 1 on");
    }
    if (weight.shape().size() != 2) {
      throw invalid("tensor %s is F8_E4M3 with the shape %s; two dimensions are supported"
          .formatted(weight.name(), weight.shape()));
    }
    int blockRows = block.path(0).asInt();
    int blockCols = block.path(1).asInt();
    List<Long> scaleShape = List.of(Math.ceilDiv(weight.shape().get(0), (long) blockRows),
        Math.ceilDiv(weight.shape().get(1), (long) blockCols));
    return new Tensor(weight.name(), weight.dtype(), weight.shape(), weight.data(), null,
        scales(weight, weight.name() + SCALE_INV, blockRows, blockCols, scaleShape));
  }

  private BlockScales scales(Tensor weight, String name, int blockRows, int blockCols, List<Long> shape) {
    Tensor scales = parts.get(name);
    if (scales == null) {
      throw invalid("tensor %s is missing, the scales of %s".formatted(name, weight.name()));
    }
    if (!scales.shape().equals(shape)) {
      throw invalid("tensor %s has the shape %s, but the scales of %s have %s"
          .formatted(name, scales.shape(), weight.name(), shape));
    }
    try {
      int cols = Math.toIntExact(shape.getLast());
      return new BlockScales(scales.dtype(), blockRows, blockCols,
          Math.toIntExact(scales.elements() / Math.max(1, cols)),
          cols, scales.data());
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw InvalidCheckpoint.in(folder, "tensor %s cannot be the scales of %s (%s)"
          .formatted(name, weight.name(), e.getMessage()), e);
    }
  }

  private FailureException invalid(String problem) {
    return InvalidCheckpoint.in(folder, problem);
  }
}
