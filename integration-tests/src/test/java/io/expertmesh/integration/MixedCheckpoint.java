package io.expertmesh.integration;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.checkpoint.Tensor;
import io.expertmesh.model.checkpoint.WeightConversion;
import java.lang.foreign.SegmentAllocator;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A checkpoint with separate experts, for one process, each of them in the type that its group is to have: what a cluster
 * must give the bits of.
 *
 * @param typeOf by expert id; null for the stored type
 */
record MixedCheckpoint(Checkpoint source, IntFunction<@Nullable DType> typeOf) implements Checkpoint {
  private static final Pattern EXPERT = Pattern.compile("\\.experts\\.(\\d+)\\.");

  @Override
  public WeightMatrix load(WeightMatrix stored, SegmentAllocator memory) {
    DType type = loadedType(stored);
    return type == stored.dtype() ? stored : WeightConversion.convert(stored, type, memory, location());
  }

  @Override
  public DType loadedType(WeightMatrix stored) {
    Matcher expert = EXPERT.matcher(stored.name());
    DType type = expert.find() ? typeOf.apply(Integer.parseInt(expert.group(1))) : null;
    return type == null ? stored.dtype() : type;
  }

  @Override
  public Path location() {
    return source.location();
  }

  @Override
  public JsonNode config() {
    return source.config();
  }

  @Override
  public Map<String, Tensor> tensors() {
    return source.tensors();
  }
}
