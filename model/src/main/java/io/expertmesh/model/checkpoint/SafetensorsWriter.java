package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes one safetensors file: first the tensors are named, then {@link #write} streams them in that order. */
final class SafetensorsWriter {
  private static final JsonMapper MAPPER = JsonMapper.shared();
  private static final int ALIGNMENT = 8;

  private final ObjectNode header = MAPPER.createObjectNode();
  private final List<TensorSink.Source> sources = new ArrayList<>();
  private long offset;

  SafetensorsWriter() {
    // transformers reads only files that say which framework's tensors they hold.
    header.putObject("__metadata__").put("format", "pt");
  }

  /**
   * Announces a tensor.
   *
   * @param dtype F32, F16, BF16 or F8_E4M3
   */
  void tensor(String name, DType dtype, List<Long> shape, TensorSink.Source source) {
    if (dtype.blockElements() > 1) {
      throw new IllegalArgumentException(dtype + " cannot be written to safetensors");
    }
    announce(name, dtype.name(), dtype, shape, source);
  }

  /** Announces a tensor of bytes. */
  void bytes(String name, List<Long> shape, TensorSink.Source source) {
    announce(name, "U8", DType.F8_E8M0, shape, source);
  }

  private void announce(String name, String type, DType dtype, List<Long> shape, TensorSink.Source source) {
    ObjectNode entry = header.putObject(name).put("dtype", type);
    ArrayNode dimensions = entry.putArray("shape");
    long elements = 1;
    for (long dimension : shape) {
      dimensions.add(dimension);
      elements = Math.multiplyExact(elements, dimension);
    }
    long end = offset + dtype.bytes(elements);
    entry.putArray("data_offsets").add(offset).add(end);
    offset = end;
    sources.add(source);
  }

  /** Bytes of all tensors announced so far. */
  long dataBytes() {
    return offset;
  }

  /** Creates {@code file}. */
  void write(Path file, Progress progress) throws IOException {
    byte[] json = MAPPER.writeValueAsString(header).getBytes(StandardCharsets.UTF_8);
    byte[] padding = " ".repeat(-json.length & (ALIGNMENT - 1)).getBytes(StandardCharsets.UTF_8);
    long size = Long.BYTES + json.length + padding.length + offset;
    try (TensorSink sink = new TensorSink(file, String.valueOf(file.getFileName()), size, progress)) {
      sink.write(new GgufBytes().i64(json.length + padding.length).toByteArray());
      sink.write(json);
      sink.write(padding);
      for (TensorSink.Source source : sources) {
        source.writeTo(sink);
      }
      if (sink.position() != size) {
        throw new IllegalStateException("%s: %d bytes were announced, but %d written"
            .formatted(file, size, sink.position()));
      }
    }
  }
}
