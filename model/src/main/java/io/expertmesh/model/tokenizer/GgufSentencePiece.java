package io.expertmesh.model.tokenizer;

import io.expertmesh.model.checkpoint.GgufMetadata;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.sentencepiece.CharsMap;
import io.expertmesh.model.sentencepiece.Normalization;
import io.expertmesh.model.sentencepiece.Piece;
import io.expertmesh.model.sentencepiece.PieceType;
import io.expertmesh.model.sentencepiece.SentencePieceModel;
import io.expertmesh.model.sentencepiece.SentencePieceModel.Algorithm;
import io.expertmesh.model.tokenizer.SentencePieceTokenizer.Framing;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The SentencePiece model in a GGUF file's metadata: {@code tokenizer.ggml.model} {@code llama} (BPE by scores) or
 * {@code t5} (unigram), with llama.cpp's defaults ({@code src/llama-vocab.cpp}).
 */
final class GgufSentencePiece {
  private final GgufMetadata metadata;
  private final boolean t5;

  GgufSentencePiece(GgufMetadata metadata, boolean t5) {
    this.metadata = metadata;
    this.t5 = t5;
  }

  /** @throws FailureException INVALID_CHECKPOINT if the metadata contradicts itself */
  Tokenizer tokenizer() {
    SentencePieceModel model = model();
    List<AddedToken> added = new ArrayList<>();
    for (int id = 0; id < model.pieces().size(); id++) {
      // llama.cpp cuts a text at these before anything else is done with it.
      if (model.pieces().get(id).type() == PieceType.USER_DEFINED) {
        added.add(new AddedToken(id, model.pieces().get(id).text(), false));
      }
    }
    Framing framing = new Framing(added, framed("bos", !t5, model), framed("eos", t5, model), true);
    return new SentencePieceTokenizer(model, framing, model.pieces().size(), metadata.file().toString());
  }

  private SentencePieceModel model() {
    List<String> tokens = metadata.texts("tokenizer.ggml.tokens").orElse(List.of());
    double[] scores = scores(tokens.size());
    long[] types = metadata.integers("tokenizer.ggml.token_type").orElse(new long[0]);
    if (types.length != tokens.size()) {
      throw refuse("has %d tokens but %d token types (tokenizer.ggml.token_type)".formatted(tokens.size(),
          types.length));
    }
    List<Piece> pieces = new ArrayList<>(tokens.size());
    boolean bytes = false;
    for (int id = 0; id < tokens.size(); id++) {
      PieceType type = type(id, types[id]);
      bytes |= type == PieceType.BYTE;
      pieces.add(new Piece(tokens.get(id), (float) scores[id], type));
    }
    Normalization rules = new Normalization(characters(),
        metadata.flag("tokenizer.ggml.add_space_prefix").orElse(true),
        metadata.flag("tokenizer.ggml.remove_extra_whitespaces").orElse(false));
    return new SentencePieceModel(t5 ? Algorithm.UNIGRAM : Algorithm.BPE, pieces, bytes, rules);
  }

  private double[] scores(int tokens) {
    double[] scores = metadata.reals("tokenizer.ggml.scores").orElse(new double[0]);
    if (scores.length != tokens) {
      throw refuse("has %d tokens but %d scores (tokenizer.ggml.scores)".formatted(tokens, scores.length));
    }
    return scores;
  }

  private PieceType type(int id, long type) {
    PieceType known = PieceType.of(type);
    if (known == null) {
      throw refuse("has token %d of type %d (tokenizer.ggml.token_type); 1 to 6 are known".formatted(id, type));
    }
    return known;
  }

  private @Nullable CharsMap characters() {
    long[] values = metadata.integers("tokenizer.ggml.precompiled_charsmap").orElse(new long[0]);
    byte[] precompiled = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      precompiled[i] = (byte) values[i];
    }
    return precompiled.length == 0 ? null : CharsMap.of(precompiled, metadata.file().toString());
  }

  private List<Integer> framed(String name, boolean otherwise, SentencePieceModel model) {
    long id = metadata.integer("tokenizer.ggml." + name + "_token_id").orElse(-1);
    boolean wanted = metadata.flag("tokenizer.ggml.add_" + name + "_token").orElse(otherwise);
    if (!wanted || id < 0) {
      return List.of();
    }
    if (id >= model.pieces().size()) {
      throw refuse("has tokenizer.ggml.%s_token_id %d; it has %d tokens".formatted(name, id, model.pieces().size()));
    }
    return List.of((int) id);
  }

  private FailureException refuse(String problem) {
    return new FailureException(FailureCategory.INVALID_CHECKPOINT, metadata.file() + " " + problem);
  }
}
