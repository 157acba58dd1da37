package io.expertmesh.gateway.remote;

import io.expertmesh.engine.experts.DispatchPlan;
import io.expertmesh.proto.v1.DType;
import io.expertmesh.proto.v1.ExpertBatch;
import io.expertmesh.transport.TensorBytes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Pieces of a plan as messages in which each token's hidden state travels once. */
final class BatchMessage {
  /** Of the hidden states in a message, roughly. */
  private static final int MAX_BYTES = 4 << 20;
  /** Of the outputs in its answer, which has a row per expert and token. */
  private static final int MAX_ANSWER_BYTES = 16 << 20;

  private BatchMessage() {}

  /** Rows of one expert that fit into any message. */
  static int maxPieceRows(int hiddenSize) {
    return Math.max(1, MAX_BYTES / Float.BYTES / hiddenSize);
  }

  /** Spreads pieces over as few messages as the limits allow. */
  static List<List<Piece>> split(List<Piece> pieces, DispatchPlan plan, int hiddenSize, int maxRows) {
    int rows = 0;
    for (Piece piece : pieces) {
      rows += piece.rows();
    }
    int mostRows = Math.min(maxRows, Math.max(1, MAX_ANSWER_BYTES / Float.BYTES / hiddenSize));
    int mostTokens = maxPieceRows(hiddenSize);
    if (rows <= Math.min(mostRows, mostTokens)) {
      return List.of(pieces);
    }
    List<List<Piece>> messages = new ArrayList<>();
    List<Piece> message = new ArrayList<>();
    boolean[] has = new boolean[tokens(plan)];
    int messageRows = 0;
    int messageTokens = 0;
    for (Piece piece : pieces) {
      int fresh = mark(has, plan, piece);
      if (!message.isEmpty() && (messageRows + piece.rows() > mostRows || messageTokens + fresh > mostTokens)) {
        messages.add(message);
        message = new ArrayList<>();
        messageRows = 0;
        messageTokens = 0;
        Arrays.fill(has, false);
        fresh = mark(has, plan, piece);
      }
      message.add(piece);
      messageRows += piece.rows();
      messageTokens += fresh;
    }
    messages.add(message);
    return messages;
  }

  /** Tokens of the piece that were not marked. */
  private static int mark(boolean[] has, DispatchPlan plan, Piece piece) {
    int fresh = 0;
    for (int row = piece.from; row < piece.to; row++) {
      int token = plan.tokens()[row];
      if (!has[token]) {
        has[token] = true;
        fresh++;
      }
    }
    return fresh;
  }

  private static int tokens(DispatchPlan plan) {
    int last = -1;
    for (int token : plan.tokens()) {
      last = Math.max(last, token);
    }
    return last + 1;
  }

  /**
   * The message of an attempt, without its timeout.
   *
   * @param hidden (tokens, hidden)
   */
  static ExpertBatch.Builder of(Attempt attempt, int layer, DispatchPlan plan, float[] hidden, int hiddenSize,
      DType dtype) {
    int[] places = new int[tokens(plan)]; // by token: its row in the message + 1
    for (Piece piece : attempt.pieces) {
      for (int row = piece.from; row < piece.to; row++) {
        places[plan.tokens()[row]] = 1;
      }
    }
    int[] sent = new int[places.length];
    int count = 0;
    for (int token = 0; token < places.length; token++) {
      if (places[token] != 0) {
        sent[count] = token;
        places[token] = ++count;
      }
    }
    ExpertBatch.Builder batch = ExpertBatch.newBuilder()
        .setId(attempt.id)
        .setLayer(layer)
        .setHidden(TensorBytes.pack(Arrays.copyOf(sent, count), hidden, hiddenSize, dtype));
    int rows = 0;
    int expert = -1;
    for (Piece piece : attempt.pieces) {
      if (piece.expertId != expert) {
        expert = piece.expertId;
        batch.addExpertIds(expert).addStarts(rows);
      }
      for (int row = piece.from; row < piece.to; row++) {
        batch.addTokens(places[plan.tokens()[row]] - 1);
      }
      rows += piece.rows();
    }
    return batch.addStarts(rows);
  }
}
