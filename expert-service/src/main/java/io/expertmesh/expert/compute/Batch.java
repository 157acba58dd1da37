package io.expertmesh.expert.compute;

import io.expertmesh.proto.v1.DType;
import io.expertmesh.proto.v1.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Token rows for some experts of one layer, checked. While it waits, the device keeps the experts that it needs, also if
 * the process gives them up.
 */
public final class Batch {
  final BatchOwner owner;
  final long id;
  /** Ids of requests with rows in it, for logs; whatever the gateway sent. */
  final List<String> requests;
  final int layer;
  final int[] expertIds;
  final HeldExpert[] experts;
  /** Expert i has the rows starts[i] to starts[i + 1] (exclusive). */
  final int[] starts;
  /** (rows): indices into the hidden states. */
  final int[] tokens;
  final DType resultType;
  final long arrivedNanos;
  final long deadlineNanos;
  final boolean hasDeadline;
  private final boolean f32;
  private final FloatBuffer floats;
  private final ShortBuffer bfloats;

  /**
   * @param hidden (tokens, hidden)
   * @param timeoutMicros from its arrival; 0 for none
   */
  Batch(BatchOwner owner, long id, List<String> requests, int layer, int[] expertIds, HeldExpert[] experts,
      int[] starts, int[] tokens,
      Tensor hidden, DType resultType, long arrivedNanos, long timeoutMicros) {
    this.owner = owner;
    this.id = id;
    this.requests = requests;
    this.layer = layer;
    this.expertIds = expertIds;
    this.experts = experts;
    this.starts = starts;
    this.tokens = tokens;
    this.resultType = resultType;
    this.arrivedNanos = arrivedNanos;
    this.hasDeadline = timeoutMicros > 0 && timeoutMicros < Long.MAX_VALUE / 2000;
    this.deadlineNanos = hasDeadline ? arrivedNanos + timeoutMicros * 1000 : arrivedNanos;
    this.f32 = hidden.getDtype() == DType.D_TYPE_F32;
    ByteBuffer bytes = hidden.getData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    this.floats = bytes.asFloatBuffer();
    this.bfloats = bytes.asShortBuffer();
  }

  public long id() {
    return id;
  }

  /** Number of (token, expert) pairs. */
  public int rows() {
    return tokens.length;
  }

  /** Copies the hidden state of one token to {@code target} from {@code at} on. Any number of threads may. */
  void copyToken(int token, int hidden, float[] target, int at) {
    if (f32) {
      floats.get(token * hidden, target, at, hidden);
    } else {
      for (int i = 0; i < hidden; i++) {
        target[at + i] = Float.intBitsToFloat(bfloats.get(token * hidden + i) << 16);
      }
    }
  }

  boolean needs(HeldExpert expert) {
    for (HeldExpert needed : experts) {
      if (needed == expert) {
        return true;
      }
    }
    return false;
  }

  /** Those of its experts that the process has given up. */
  List<Integer> givenUp() {
    List<Integer> ids = new ArrayList<>(0);
    for (int i = 0; i < experts.length; i++) {
      if (experts[i].isGivenUp()) {
        ids.add(expertIds[i]);
      }
    }
    return ids;
  }

  /** Whether the answer would come too late if computing began at {@code nanos}. */
  boolean isTooLate(long nanos) {
    return hasDeadline && nanos - deadlineNanos >= 0;
  }
}
