package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.WeightMatrix;
import java.lang.foreign.SegmentAllocator;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import tools.jackson.databind.JsonNode;

/**
 * A checkpoint whose matrices are quantised in memory as they are loaded: the values are those of the file that
 * {@link Convert} would write.
 *
 * <p>Vectors, routers and matrices whose rows are not a whole number of blocks keep their type.
 */
public final class QuantizedCheckpoint implements Checkpoint {
  private final Checkpoint source;
  private final DType dtype;
  private final Progress progress;
  private final long total;
  private final AtomicLong done = new AtomicLong();

  private QuantizedCheckpoint(Checkpoint source, DType dtype, Progress progress) {
    this.source = source;
    this.dtype = dtype;
    this.progress = progress;
    this.total = source.tensors().values().stream()
        .filter(tensor -> tensor.shape().size() > 1
            && quantizable(tensor.name(), tensor.dtype(), tensor.shape().getLast()))
        .mapToLong(tensor -> dtype.bytes(tensor.elements())).sum();
  }

  /**
   * Quantises what is loaded of {@code source}, on all cores.
   *
   * @param dtype a block type
   * @param progress told of the matrices loaded, out of all
   */
  public static QuantizedCheckpoint of(Checkpoint source, DType dtype, Progress progress) {
    return new QuantizedCheckpoint(source, dtype, progress);
  }

  private boolean quantizable(String name, DType stored, long cols) {
    return stored.blockElements() == 1 && cols % dtype.blockElements() == 0 && !name.endsWith("mlp.gate.weight");
  }

  @Override
  public DType loadedType(WeightMatrix stored) {
    return quantizable(stored.name(), stored.dtype(), stored.cols()) ? dtype : stored.dtype();
  }

  /**
   * {@inheritDoc}
   *
   * @throws io.expertmesh.model.failure.FailureException INVALID_CHECKPOINT if a value is not finite
   */
  @Override
  public WeightMatrix load(WeightMatrix stored, SegmentAllocator memory) {
    if (loadedType(stored) == stored.dtype()) {
      return stored;
    }
    WeightMatrix quantized = WeightConversion.convert(stored, dtype, memory, location());
    long bytes = done.addAndGet(quantized.data().byteSize());
    progress.update("quantising to " + dtype.name().toLowerCase(Locale.ROOT), bytes, total);
    return quantized;
  }

  /** The checkpoint as its files have it. */
  public Checkpoint source() {
    return source;
  }

  @Override
  public Path location() {
    return source.location();
  }

  @Override
  public JsonNode config() {
    return source.config();
  }

  /** {@inheritDoc} As the files have them. */
  @Override
  public Map<String, Tensor> tensors() {
    return source.tensors();
  }
}
