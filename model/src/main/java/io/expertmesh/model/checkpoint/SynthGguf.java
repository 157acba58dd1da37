package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A GGUF file of random weights. */
final class SynthGguf extends Synth {
  private static final Pattern LAYER_NAME = Pattern.compile("model\\.layers\\.([0-9]+)\\.(.+)");

  private final GgufArchitecture architecture;
  private final Map<String, String> modelNames = new LinkedHashMap<>();
  private final Map<String, String> layerNames = new LinkedHashMap<>();
  private final GgufWriter writer;

  SynthGguf(Model model, DType dtype) {
    super(model, dtype);
    String modelType = model.config().path("model_type").asString("none");
    architecture = GgufArchitectures.synthetic(modelType)
        .orElseThrow(() -> InvalidCheckpoint.in(model.configFile(),
            "%s models are not written as GGUF, only %s; let --out name a folder"
                .formatted(modelType, String.join(", ", GgufArchitectures.syntheticTypes()))));
    architecture.constants().forEach(this::requireConstant);
    architecture.modelTensors().forEach((gguf, name) -> modelNames.put(name, gguf));
    architecture.layerTensors().forEach((gguf, name) -> layerNames.put(name, gguf));
    if (!GgmlType.has(dtype)) {
      throw InvalidCheckpoint.in(model.configFile(), "cannot be written to GGUF in %s; choose q8_0".formatted(dtype));
    }
    writer = new GgufWriter(architecture.name());
    Disk.withTemporaryFolder(folder -> {
      tokenizer(folder);
      GgufModelMetadata.write(writer, architecture, model.config(), model.configFile(), folder,
          model.config().path("vocab_size").asInt(), model.name(), dtype);
    });
    model.tensors().forEach(this::announce);
  }

  /** What the file has no key for must be as llama.cpp takes it to be. */
  private void requireConstant(String field, Object value) {
    JsonNode node = model.config().path(field);
    Object plain = value instanceof Optional<?> optional ? optional.orElse(null) : value;
    boolean same = node.isMissingNode() || node.isNull() ||
        node.equals(JsonMapper.shared().valueToTree(plain));
    if (!same) {
      throw InvalidCheckpoint.in(model.configFile(), "has the %s %s; a GGUF file of architecture %s can only mean %s"
          .formatted(field, node, architecture.name(), plain));
    }
  }

  private void announce(TensorShape tensor) {
    boolean sharedGate = tensor.name().endsWith("shared_expert_gate.weight");
    // A vector in GGUF files, one row elsewhere.
    List<Long> shape = sharedGate ? List.of(tensor.shape().getLast()) : tensor.shape();
    String name = ggufName(tensor.name());
    boolean matrix = shape.size() > 1 && !name.endsWith("ffn_gate_inp.weight");
    DType written = !matrix ? DType.F32 : shape.getLast() % dtype.blockElements() == 0 ? dtype : DType.F16;
    writer.tensor(name, written, shape, sink -> fill(tensor, written, sink));
  }

  private String ggufName(String name) {
    Matcher layer = LAYER_NAME.matcher(name);
    String gguf = layer.matches() ? layerNames.get(layer.group(2)) : modelNames.get(name);
    if (gguf == null) {
      throw InvalidCheckpoint.in(model.configFile(), "asks for the tensor %s, which GGUF files of architecture %s lack"
          .formatted(name, architecture.name()));
    }
    return layer.matches() ? GgufArchitecture.blockName(Integer.parseInt(layer.group(1)), gguf) : gguf;
  }

  @Override
  public long bytes() {
    return writer.size();
  }

  @Override
  public void write(Path target, Progress progress) {
    writer.write(target, progress);
  }
}
