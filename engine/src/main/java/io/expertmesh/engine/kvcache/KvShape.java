package io.expertmesh.engine.kvcache;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.Block;
import io.expertmesh.model.architecture.LatentAttention;
import io.expertmesh.model.architecture.Residual;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What one layer keeps of a position.
 *
 * @param heads key and value heads
 * @param keyDim floats of a key
 * @param valueDim floats of a value
 */
public record KvShape(int heads, int keyDim, int valueDim) {
  private static final KvShape NOTHING = new KvShape(0, 0, 0);

  /** The shape of each layer of {@code model}; an encoder's keep nothing. */
  public static List<KvShape> of(Architecture model) {
    return IntStream.range(0, model.blocks().size())
        .mapToObj(i -> i < model.firstDecoderBlock() ? NOTHING : of(model.blocks().get(i))).toList();
  }

  private static KvShape of(Block block) {
    for (Residual residual : block.residuals()) {
      if (residual.operation() instanceof Attention attention) {
        return new KvShape(attention.kvHeads(), attention.headDim(), attention.headDim());
      }
      if (residual.operation() instanceof LatentAttention attention) {
        return new KvShape(1, attention.cachedWidth(), 0); // values are read from the keys
      }
    }
    return NOTHING;
  }

  /** Bytes that a position takes. */
  public long bytes() {
    return (long) Float.BYTES * heads * (keyDim + valueDim);
  }
}
