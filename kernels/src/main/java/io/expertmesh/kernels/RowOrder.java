package io.expertmesh.kernels;

/** Which stored row each row of a matrix is, for checkpoints that store rows in another order than models use them in. */
public sealed interface RowOrder {
  /** The stored row that is row {@code row}. */
  int stored(int row);

  /** The order of the rows from {@code first} on. */
  default RowOrder from(int first) {
    return first == 0 ? this : new From(this, first);
  }

  /** The rows {@code first}, {@code first + step}, ...; gpt-oss stores its experts' gate and up rows in turn. */
  record EveryNth(int first, int step) implements RowOrder {
    @Override
    public int stored(int row) {
      return first + step * row;
    }

    @Override
    public RowOrder from(int skipped) {
      return new EveryNth(stored(skipped), step);
    }
  }

  /**
   * Heads whose rows are stored as pairs 0, d/2, 1, d/2 + 1, ...: what llama.cpp's converter makes of the query and key
   * weights of some architectures ({@code LlamaModel.permute} in convert_hf_to_gguf.py), undone.
   *
   * @param headDim d, even
   */
  record UnpairedHeads(int headDim) implements RowOrder {
    public UnpairedHeads {
      if (headDim <= 0 || headDim % 2 != 0) {
        throw new IllegalArgumentException("heads of %d rows have no halves".formatted(headDim));
      }
    }

    @Override
    public int stored(int row) {
      int within = row % headDim;
      int half = headDim / 2;
      return row - within + (within < half ? 2 * within : 2 * (within - half) + 1);
    }
  }

  /** {@code order} without its first rows. */
  record From(RowOrder order, int first) implements RowOrder {
    @Override
    public int stored(int row) {
      return order.stored(first + row);
    }
  }
}
