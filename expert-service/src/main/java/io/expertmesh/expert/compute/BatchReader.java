package io.expertmesh.expert.compute;

import static io.expertmesh.expert.compute.BatchRejectedException.invalid;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.DType;
import io.expertmesh.proto.v1.ExpertBatch;
import io.expertmesh.transport.TensorBytes;
import java.util.ArrayList;
import java.util.List;

/** Checks what gateways send before anything is computed with it. */
public final class BatchReader {
  private final BatchLimits limits;
  private final ExpertHolding holding;

  public BatchReader(BatchLimits limits, ExpertHolding holding) {
    this.limits = limits;
    this.holding = holding;
  }

  /**
   * The batch that {@code message} describes.
   *
   * @param resultType of the numbers in the result
   * @throws BatchRejectedException INVALID if it contradicts itself, the model or the limits; UNKNOWN_EXPERT if an expert
   *     is not held
   */
  public Batch read(ExpertBatch message, BatchOwner owner, DType resultType, long nanos)
      throws BatchRejectedException {
    int layer = message.getLayer();
    if (layer < 0 || layer >= limits.layers()) {
      throw invalid("layer is %d; the model has %d".formatted(Integer.toUnsignedLong(layer), limits.layers()));
    }
    int rows = message.getTokensCount();
    if (rows < 1 || rows > limits.maxRows()) {
      throw invalid("the batch has %d rows; 1 to %d are possible".formatted(rows, limits.maxRows()));
    }
    int[] ids = ids(message);
    int[] starts = starts(message, rows);
    int[] tokens = tokens(message);
    HeldExpert[] experts = new HeldExpert[ids.length];
    List<Integer> missing = new ArrayList<>(0);
    for (int i = 0; i < ids.length; i++) {
      HeldExpert expert = holding.find(layer, ids[i]);
      if (expert == null) {
        missing.add(ids[i]);
      } else {
        experts[i] = expert;
      }
    }
    if (!missing.isEmpty()) {
      throw BatchRejectedException.missing(missing, holding);
    }
    return new Batch(owner, message.getId(), message.getRequestIdsList(), layer, ids, experts, starts, tokens,
        message.getHidden(), resultType,
        nanos, message.getTimeoutMicros());
  }

  private int[] ids(ExpertBatch message) throws BatchRejectedException {
    int[] ids = new int[message.getExpertIdsCount()];
    int before = -1;
    for (int i = 0; i < ids.length; i++) {
      ids[i] = message.getExpertIds(i);
      if (ids[i] <= before || ids[i] >= limits.experts()) {
        throw invalid("expert_ids has %d after %d; ids ascend and are below %d".formatted(
            Integer.toUnsignedLong(ids[i]), before, limits.experts()));
      }
      before = ids[i];
    }
    return ids;
  }

  private static int[] starts(ExpertBatch message, int rows) throws BatchRejectedException {
    int n = message.getStartsCount();
    if (n != message.getExpertIdsCount() + 1) {
      throw invalid("starts has %d entries for %d experts; there must be one more".formatted(n,
          message.getExpertIdsCount()));
    }
    int[] starts = new int[n];
    for (int i = 0; i < n; i++) {
      starts[i] = message.getStarts(i);
      if (i == 0 ? starts[i] != 0 : starts[i] <= starts[i - 1]) {
        throw invalid("starts has %d at %d; it begins with 0 and ascends".formatted(Integer.toUnsignedLong(starts[i]),
            i));
      }
    }
    if (starts[n - 1] != rows) {
      throw invalid("starts ends with %d, but there are %d rows".formatted(starts[n - 1], rows));
    }
    return starts;
  }

  private int[] tokens(ExpertBatch message) throws BatchRejectedException {
    int rows = message.getTokensCount();
    int count = message.getHidden().getShapeCount() == 2 ? message.getHidden().getShape(0) : -1;
    if (count < 0 || count > rows) {
      throw invalid("hidden has shape %s; with %d rows it may have 1 to %d tokens".formatted(
          message.getHidden().getShapeCount() <= 8 ? message.getHidden().getShapeList() : "of many dimensions", rows,
          rows));
    }
    try {
      TensorBytes.require(message.getHidden(), count, limits.hidden());
    } catch (FailureException wrong) {
      throw invalid("hidden: " + wrong.getMessage());
    }
    int[] tokens = new int[rows];
    for (int row = 0; row < rows; row++) {
      tokens[row] = message.getTokens(row);
      if (tokens[row] < 0 || tokens[row] >= count) {
        throw invalid("tokens has %d at row %d; hidden has %d tokens".formatted(
            Integer.toUnsignedLong(tokens[row]), row, count));
      }
    }
    return tokens;
  }
}
