package io.expertmesh.model.sentencepiece;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Text to ids, as {@code sentencepiece_processor.cc} does. Thread-safe. */
public final class SentencePieceEncoder {
  private final TextNormalizer normalizer;
  private final Segmentation segmentation;
  private final int unknown;
  /** The ids of the 256 byte pieces, null if unknown characters become UNKNOWN. */
  private final int @Nullable [] bytes;

  /**
   * @param source the file, for messages
   * @throws FailureException INVALID_CHECKPOINT if the model contradicts itself
   */
  public SentencePieceEncoder(SentencePieceModel model, String source) {
    check(model, source);
    unknown = model.firstOf(PieceType.UNKNOWN);
    bytes = model.byteFallback() ? bytePieces(model, source) : null;
    PieceIndex userDefined = userDefined(model);
    normalizer = new TextNormalizer(model.normalization(), userDefined);
    segmentation = switch (model.algorithm()) {
      case UNIGRAM -> new Unigram(model);
      case BPE -> new BytePairs(model, userDefined);
    };
  }

  private static void check(SentencePieceModel model, String source) {
    Set<String> texts = new HashSet<>();
    int unknowns = 0;
    for (Piece piece : model.pieces()) {
      unknowns += piece.type() == PieceType.UNKNOWN ? 1 : 0;
      if (!texts.add(piece.text())) {
        throw invalid(source, "has the piece '%s' twice".formatted(piece.text()));
      }
    }
    if (unknowns != 1) {
      throw invalid(source, "has %d unknown pieces (type UNKNOWN); one is expected".formatted(unknowns));
    }
  }

  private static int[] bytePieces(SentencePieceModel model, String source) {
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < model.pieces().size(); id++) {
      if (model.pieces().get(id).type() == PieceType.BYTE) {
        ids.put(model.pieces().get(id).text(), id);
      }
    }
    int[] bytes = new int[256];
    for (int value = 0; value < bytes.length; value++) {
      String name = "<0x%02X>".formatted(value);
      Integer id = ids.get(name);
      if (id == null) {
        throw invalid(source, "falls back to bytes but has no byte piece " + name);
      }
      bytes[value] = id;
    }
    return bytes;
  }

  private static @Nullable PieceIndex userDefined(SentencePieceModel model) {
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < model.pieces().size(); id++) {
      if (model.pieces().get(id).type() == PieceType.USER_DEFINED) {
        ids.put(model.pieces().get(id).text(), id);
      }
    }
    return ids.isEmpty() ? null : new PieceIndex(ids);
  }

  private static FailureException invalid(String source, String problem) {
    return new FailureException(FailureCategory.INVALID_CHECKPOINT, source + " " + problem);
  }

  /**
   * Appends the ids of {@code text}, in which names of control pieces are ordinary text.
   *
   * @param first whether the space that the model puts before a text belongs here
   */
  public void encode(String text, boolean first, Ids ids) {
    String normalized = normalizer.normalize(text, first);
    segmentation.segment(normalized, new Appender(normalized, ids));
  }

  private final class Appender implements Segmentation.Sink {
    private final String text;
    private final Ids ids;
    private boolean afterUnknown;

    Appender(String text, Ids ids) {
      this.text = text;
      this.ids = ids;
    }

    @Override
    public void piece(int start, int end, int id) {
      if (id != unknown) {
        ids.add(id);
      } else if (bytes != null) {
        for (byte value : text.substring(start, end).getBytes(StandardCharsets.UTF_8)) {
          ids.add(bytes[value & 0xFF]);
        }
      } else if (!afterUnknown) {
        // Neighbours that are unknown make one unknown piece.
        ids.add(id);
      }
      afterUnknown = id == unknown;
    }
  }
}
