package io.expertmesh.model.tokenizer;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.sentencepiece.Piece;
import io.expertmesh.model.sentencepiece.PieceType;
import io.expertmesh.model.sentencepiece.SentencePieceFile;
import io.expertmesh.model.sentencepiece.SentencePieceModel;
import io.expertmesh.model.tokenizer.SentencePieceTokenizer.Framing;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * The tokenizer of a folder that has a SentencePiece model and no {@code tokenizer.json}. Ids that no file names are
 * given as the tokenizer classes of transformers do ({@code tokenization_t5.py}, {@code tokenization_nllb.py}).
 */
final class SentencePieceFolder {
  /** Where fairseq puts the first four tokens; the pieces of the model follow without its own first three. */
  private static final List<Piece> FAIRSEQ = List.of(new Piece("<s>", 0, PieceType.CONTROL),
      new Piece("<pad>", 0, PieceType.CONTROL), new Piece("</s>", 0, PieceType.CONTROL),
      new Piece("<unk>", 0, PieceType.UNKNOWN));

  private final Path file;
  private final JsonNode tokenizerConfig;
  private final JsonNode modelConfig;
  private final TextFamily family;
  private final int modelVocabulary;
  /** Tokens that the files beside the model name, by id. */
  private final Map<Integer, AddedToken> added = new HashMap<>();
  private SentencePieceModel model;

  /**
   * @param specialTokens tokens that the files call special, by their role
   * @throws FailureException INVALID_CHECKPOINT if the model cannot be used, or a file contradicts it
   */
  SentencePieceFolder(Path file, JsonNode tokenizerConfig, JsonNode modelConfig, Map<String, String> specialTokens) {
    this.file = file;
    this.tokenizerConfig = tokenizerConfig;
    this.modelConfig = modelConfig;
    this.family = TextFamily.of(modelConfig, tokenizerConfig);
    this.modelVocabulary = modelConfig.path("vocab_size").asInt(0);
    this.model = SentencePieceFile.read(file);
    if (family == TextFamily.NLLB) {
      fairseq();
    }
    readAdded(specialTokens);
    sentinels();
    fits();
  }

  Tokenizer tokenizer() {
    int bos = model.control("<s>");
    int eos = model.control("</s>");
    List<Integer> prefix = switch (family) {
      case OPEN_MOE -> ids(model.control("<pad>"));
      case DECODER -> ids(wanted("add_bos_token", true) ? bos : -1);
      case NLLB -> ids(model.control(tokenizerConfig.path("src_lang").asString("eng_Latn")));
      case T5 -> List.of();
    };
    List<Integer> suffix = switch (family) {
      case T5, NLLB -> ids(eos);
      case DECODER -> ids(wanted("add_eos_token", false) ? eos : -1);
      case OPEN_MOE -> List.of();
    };
    Framing framing = new Framing(List.copyOf(added.values()), prefix, suffix, wanted("legacy", true));
    return new SentencePieceTokenizer(model, framing, modelVocabulary, file.toString());
  }

  /** {@code bos_token} and its kin, where the folder's other files do not name them. */
  Map<String, String> roles() {
    Map<String, String> roles = new HashMap<>();
    Map.of("bos_token", "<s>", "eos_token", "</s>", "pad_token", "<pad>").forEach((role, name) -> {
      if (model.control(name) >= 0) {
        roles.put(role, name);
      }
    });
    roles.put("unk_token", model.pieces().get(model.firstOf(PieceType.UNKNOWN)).text());
    return roles;
  }

  private static List<Integer> ids(int id) {
    return id < 0 ? List.of() : List.of(id);
  }

  private boolean wanted(String flag, boolean otherwise) {
    return tokenizerConfig.path(flag).asBoolean(otherwise);
  }

  private void fairseq() {
    List<Piece> pieces = new ArrayList<>(FAIRSEQ);
    pieces.addAll(model.pieces().subList(Math.min(3, model.pieces().size()), model.pieces().size()));
    for (String code : languages()) {
      pieces.add(new Piece(code, 0, PieceType.CONTROL));
    }
    pieces.add(new Piece("<mask>", 0, PieceType.CONTROL));
    model = model.withPieces(pieces);
  }

  private List<String> languages() {
    List<String> codes = new ArrayList<>();
    for (JsonNode token : tokenizerConfig.path("additional_special_tokens")) {
      String name = AddedTokens.content(token);
      if (TranslationLanguages.isCode(name)) {
        codes.add(name);
      }
    }
    return codes.isEmpty() ? NllbLanguages.CODES : codes;
  }

  private void readAdded(Map<String, String> specialTokens) {
    for (Map.Entry<String, JsonNode> entry : tokenizerConfig.path("added_tokens_decoder").properties()) {
      JsonNode token = entry.getValue();
      add(new AddedToken(id(entry.getKey()), token.path("content").asString(""), token.path("special").asBoolean(false),
          token.path("lstrip").asBoolean(false), token.path("rstrip").asBoolean(false)));
    }
    Path more = file.resolveSibling("added_tokens.json");
    if (Files.isRegularFile(more)) {
      for (Map.Entry<String, JsonNode> entry : Json.readObject(more).properties()) {
        AddedToken token = new AddedToken(entry.getValue().asInt(-1), entry.getKey(),
            specialTokens.containsValue(entry.getKey()));
        if (!added.containsKey(token.id())) {
          add(token);
        }
      }
    }
    for (int id = 0; id < model.pieces().size(); id++) {
      String text = model.pieces().get(id).text();
      if (specialTokens.containsValue(text)) {
        added.putIfAbsent(id, new AddedToken(id, text, true));
      }
    }
  }

  private int id(String key) {
    try {
      return Integer.parseInt(key);
    } catch (NumberFormatException e) {
      return -1;
    }
  }

  private void add(AddedToken token) {
    int known = model.pieces().size();
    int limit = Math.max(known, modelVocabulary);
    if (token.id() < 0 || token.id() >= limit || token.content().isEmpty()) {
      throw invalid("the files beside it give the token '%s' the id %d; the model has %d pieces and vocab_size is %d"
          .formatted(token.content(), token.id(), known, modelVocabulary));
    }
    if (token.id() < known && !model.pieces().get(token.id()).text().equals(token.content())) {
      throw invalid("has the piece '%s' with id %d, but the files beside it call that id '%s'"
          .formatted(model.pieces().get(token.id()).text(), token.id(), token.content()));
    }
    added.put(token.id(), token);
  }

  private void sentinels() {
    boolean named = added.values().stream().anyMatch(token -> token.content().startsWith("<extra_id_"));
    if (named || model.pieces().stream().anyMatch(piece -> piece.text().endsWith("<extra_id_0>"))) {
      return;
    }
    int listed = 0;
    for (JsonNode token : tokenizerConfig.path("additional_special_tokens")) {
      listed += AddedTokens.content(token).startsWith("<extra_id_") ? 1 : 0;
    }
    int count = tokenizerConfig.path("extra_ids").asInt(listed);
    int first = model.pieces().size();
    if (count == 0 && !tokenizerConfig.has("extra_ids")) {
      int usual = family.sentinels(modelConfig);
      count = first + usual <= modelVocabulary ? usual : 0;
    }
    for (int i = 0; i < count; i++) {
      add(new AddedToken(first + i, "<extra_id_%d>".formatted(count - 1 - i), true));
    }
  }

  private void fits() {
    if (modelVocabulary > 0 && model.pieces().size() > modelVocabulary) {
      throw invalid("has %d pieces, but vocab_size in config.json is %d: it belongs to another model"
          .formatted(model.pieces().size(), modelVocabulary));
    }
  }

  private FailureException invalid(String problem) {
    return new FailureException(FailureCategory.INVALID_CHECKPOINT, file + " " + problem);
  }
}
