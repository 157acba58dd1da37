package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.RowOrder;
import io.expertmesh.model.failure.FailureException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The tensors of a GGUF file under Hugging Face's names, with what the converter did to them undone. */
final class GgufTensors {
  private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final GgufFile file;
  private final GgufArchitecture architecture;
  private final JsonNode config;
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();

  private GgufTensors(GgufFile file, GgufArchitecture architecture, JsonNode config) {
    this.file = file;
    this.architecture = architecture;
    this.config = config;
  }

  static Map<String, Tensor> of(GgufFile file, GgufArchitecture architecture, JsonNode config) {
    return new GgufTensors(file, architecture, config).rename();
  }

  private Map<String, Tensor> rename() {
    long layers = config.path("num_hidden_layers").asLong();
    for (Tensor tensor : file.tensors().values()) {
      Matcher block = GgufArchitecture.BLOCK_NAME.matcher(tensor.name());
      boolean inLayer = block.matches();
      boolean predictsFurtherTokens = inLayer && config.has("num_nextn_predict_layers")
          && Long.parseLong(block.group(1)) >= layers;
      if (predictsFurtherTokens || GgufRope.TENSORS.contains(tensor.name())) {
        continue;
      }
      String name = architecture.huggingFaceName(tensor.name())
          .orElseThrow(() -> invalid("tensor %s is unknown to architecture %s"
              .formatted(tensor.name(), architecture.name())));
      tensors.put(name, new Tensor(name, tensor.dtype(), shape(name, tensor), tensor.data(),
          inLayer && architecture.pairedHeads() ? order(block.group(2), tensor) : null, null));
    }
    for (long layer = 0; layer < layers && config.has("kv_lora_rank"); layer++) {
      joinLatentProjections(GgufArchitecture.LAYER + layer + ".self_attn.");
    }
    return tensors;
  }

  /** Qwen's gate of the shared expert is a vector here and one row there. */
  private static List<Long> shape(String name, Tensor tensor) {
    return name.endsWith("shared_expert_gate.weight") && tensor.shape().size() == 1
        ? List.of(1L, tensor.shape().getFirst())
        : tensor.shape();
  }

  private @Nullable RowOrder order(String name, Tensor tensor) {
    String field = switch (name) {
      case "attn_q.weight", "attn_q.bias" -> "num_attention_heads";
      case "attn_k.weight", "attn_k.bias" -> "num_key_value_heads";
      default -> null;
    };
    if (field == null) {
      return null;
    }
    long heads = config.path(field).asLong();
    long rows = tensor.shape().getFirst();
    if (heads < 1 || rows % (2 * heads) != 0) {
      throw invalid("tensor %s has %d rows, which %d heads cannot share evenly".formatted(tensor.name(), rows, heads));
    }
    return new RowOrder.UnpairedHeads(Math.toIntExact(rows / heads));
  }

  /**
   * Newer files have {@code kv_b_proj} (heads * (nope + v), rank) in two: keys (heads, rank, nope), transposed, and
   * values (heads, v, rank).
   */
  private void joinLatentProjections(String prefix) {
    Tensor keys = tensors.remove(prefix + "k_b_proj.weight");
    Tensor values = tensors.remove(prefix + "v_b_proj.weight");
    if (keys == null && values == null) {
      return;
    }
    if (keys == null || values == null || keys.shape().size() != 3 || values.shape().size() != 3
        || !keys.shape().get(0).equals(values.shape().get(0)) || !keys.shape().get(1).equals(values.shape().get(2))) {
      throw invalid("tensors attn_k_b and attn_v_b of %s do not fit each other".formatted(prefix));
    }
    int heads = Math.toIntExact(keys.shape().get(0));
    int rank = Math.toIntExact(keys.shape().get(1));
    int nope = Math.toIntExact(keys.shape().get(2));
    int valueRows = Math.toIntExact(values.shape().get(1));
    MemorySegment joined = Arena.ofAuto().allocate(4L * heads * (nope + valueRows) * rank, 64);
    float[] head = new float[rank * Math.max(nope, valueRows)];
    for (int h = 0; h < heads; h++) {
      long start = (long) h * (nope + valueRows) * rank;
      Quantizer.toFloats(keys, (long) h * rank * nope, head, rank * nope);
      for (int i = 0; i < nope; i++) {
        for (int r = 0; r < rank; r++) {
          joined.setAtIndex(F32, start + (long) i * rank + r, head[r * nope + i]);
        }
      }
      Quantizer.toFloats(values, (long) h * valueRows * rank, head, valueRows * rank);
      MemorySegment.copy(head, 0, joined, F32, 4 * (start + (long) nope * rank), valueRows * rank);
    }
    String name = prefix + "kv_b_proj.weight";
    tensors.put(name, new Tensor(name, DType.F32, List.of((long) heads * (nope + valueRows), (long) rank),
        joined.asReadOnly()));
  }

  private FailureException invalid(String problem) {
    return InvalidCheckpoint.in(file.metadata().file(), problem);
  }
}
