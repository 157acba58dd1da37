package io.expertmesh.model.checkpoint;

import io.expertmesh.model.sentencepiece.Piece;
import io.expertmesh.model.sentencepiece.PieceType;
import io.expertmesh.model.sentencepiece.SentencePieceModel;
import io.expertmesh.model.sentencepiece.SentencePieceModel.Algorithm;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/**
 * A SentencePiece vocabulary as GGUF has it ({@code tokenizer.ggml.model} {@code llama}): tokens with scores, of which
 * the highest is merged first, and types ({@code SentencePieceVocab} in llama.cpp's {@code convert_hf_to_gguf.py}).
 */
final class GgufPieces {
  private final Path file;
  private final Map<Integer, Piece> pieces = new TreeMap<>();
  private final boolean spaceBefore;

  private GgufPieces(Path file, boolean spaceBefore) {
    this.file = file;
    this.spaceBefore = spaceBefore;
  }

  /** From a {@code .model} file, with the tokens that {@code tokenizer_config.json} adds. */
  static GgufPieces of(Path file, SentencePieceModel model, JsonNode tokenizerConfig) {
    if (model.algorithm() != Algorithm.BPE || model.normalization().characters() != null
        || model.normalization().singleSpaces()) {
      throw InvalidCheckpoint.in(file, "is %s%s; only BPE that keeps texts as they are can be written to GGUF"
          .formatted(model.algorithm(), model.normalization().characters() == null ? "" : " with a map of characters"));
    }
    GgufPieces gguf = new GgufPieces(file, model.normalization().spaceBefore());
    for (int id = 0; id < model.pieces().size(); id++) {
      gguf.pieces.put(id, model.pieces().get(id));
    }
    for (Map.Entry<String, JsonNode> entry : tokenizerConfig.path("added_tokens_decoder").properties()) {
      gguf.add(entry.getKey(), entry.getValue());
    }
    return gguf;
  }

  /** From a {@code tokenizer.json} of BPE with byte fallback, whose merges stand in the order of the scores. */
  static GgufPieces of(Path file, JsonNode tokenizer) {
    GgufPieces gguf = new GgufPieces(file, spaceBefore(tokenizer));
    Map<String, Float> scores = scores(tokenizer);
    String unknown = tokenizer.path("model").path("unk_token").asString("<unk>");
    for (Map.Entry<String, JsonNode> entry : tokenizer.path("model").path("vocab").properties()) {
      String token = entry.getKey();
      PieceType type = token.equals(unknown)
          ? PieceType.UNKNOWN
          : token.matches("<0x[0-9A-F]{2}>") ? PieceType.BYTE : PieceType.NORMAL;
      gguf.pieces.put(entry.getValue().asInt(-1), new Piece(token, scores.getOrDefault(token, 0f), type));
    }
    for (JsonNode added : tokenizer.path("added_tokens")) {
      gguf.add(added.path("id").asString(""), added);
    }
    return gguf;
  }

  private static boolean spaceBefore(JsonNode tokenizer) {
    for (JsonNode step : tokenizer.path("normalizer").path("normalizers")) {
      if (step.path("type").asString("").equals("Prepend")) {
        return true;
      }
    }
    JsonNode pre = tokenizer.path("pre_tokenizer");
    return pre.path("type").asString("").equals("Metaspace")
        && !pre.path("prepend_scheme").asString("").equals("never");
  }

  /** A piece is merged as early as the first of the merges that make it. */
  private static Map<String, Float> scores(JsonNode tokenizer) {
    Map<String, Float> scores = new HashMap<>();
    for (JsonNode merge : tokenizer.path("model").path("merges")) {
      String joined = merge.isArray()
          ? merge.path(0).asString("") + merge.path(1).asString("")
          : merge.asString("").replace(" ", "");
      scores.putIfAbsent(joined, (float) -scores.size());
    }
    return scores;
  }

  private void add(String key, JsonNode token) {
    String content = token.path("content").asString("");
    int id;
    try {
      id = Integer.parseInt(key);
    } catch (NumberFormatException e) {
      throw InvalidCheckpoint.in(file, "has the added token '%s' with the id '%s'".formatted(content, key), e);
    }
    Piece before = pieces.get(id);
    if (before == null || before.type() == PieceType.NORMAL) {
      pieces.put(id,
          new Piece(content, 0, token.path("special").asBoolean(false) ? PieceType.CONTROL : PieceType.USER_DEFINED));
    }
  }

  /** @param size rows of the embedding; ids without a piece are padded */
  void write(int size, GgufWriter writer) {
    List<String> tokens = new ArrayList<>(size);
    float[] scores = new float[size];
    int[] types = new int[size];
    for (int id = 0; id < size; id++) {
      Piece piece = pieces.getOrDefault(id, new Piece("[PAD%d]".formatted(id), 0, PieceType.UNUSED));
      tokens.add(piece.text());
      scores[id] = piece.score();
      types[id] = piece.type().code();
    }
    pieces.forEach((id, piece) -> {
      if (id < 0 || id >= size) {
        throw InvalidCheckpoint.in(file,
            "has token %s with id %d; the model has %d".formatted(piece.text(), id, size));
      }
    });
    writer.text("tokenizer.ggml.model", "llama");
    writer.text("tokenizer.ggml.pre", "default");
    writer.texts("tokenizer.ggml.tokens", tokens);
    writer.f32s("tokenizer.ggml.scores", scores);
    writer.i32s("tokenizer.ggml.token_type", types);
    writer.flag("tokenizer.ggml.add_space_prefix", spaceBefore);
  }
}
