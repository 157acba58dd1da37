package io.expertmesh.model.tokenizer;

import io.expertmesh.model.sentencepiece.Ids;
import io.expertmesh.model.sentencepiece.Normalization;
import io.expertmesh.model.sentencepiece.Piece;
import io.expertmesh.model.sentencepiece.PieceIndex;
import io.expertmesh.model.sentencepiece.PieceType;
import io.expertmesh.model.sentencepiece.SentencePieceEncoder;
import io.expertmesh.model.sentencepiece.SentencePieceModel;
import io.expertmesh.model.tokenizer.SentencePieceDetokenizer.FirstSpace;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A tokenizer that a SentencePiece model defines. Names of control pieces in a text become their ids. */
final class SentencePieceTokenizer implements Tokenizer {
  /**
   * What the files beside the model say.
   *
   * @param added tokens beside the model's control pieces, or with other properties than these
   * @param prefix ids before every text
   * @param suffix ids after every text
   * @param spaceAfterAdded whether the space that the model puts before a text is also put after added tokens
   *     ({@code legacy} in {@code tokenizer_config.json})
   */
  record Framing(List<AddedToken> added, List<Integer> prefix, List<Integer> suffix, boolean spaceAfterAdded) {
    Framing {
      added = List.copyOf(added);
      prefix = List.copyOf(prefix);
      suffix = List.copyOf(suffix);
    }
  }

  private final SentencePieceEncoder encoder;
  private final Framing framing;
  private final List<AddedToken> added;
  private final PieceIndex addedByContent;
  private final Vocabulary vocabulary;
  private final FirstSpace firstSpace;
  private final int idLimit;

  /**
   * @param modelVocabulary rows of the model's embedding (0 if not known): ids below it are valid even where there is
   *     no token for them
   * @param source the file, for messages
   */
  SentencePieceTokenizer(SentencePieceModel model, Framing framing, int modelVocabulary, String source) {
    this.framing = framing;
    encoder = new SentencePieceEncoder(model, source);
    added = added(model, framing);
    Map<String, Integer> places = new HashMap<>();
    for (int i = 0; i < added.size(); i++) {
      places.put(added.get(i).content(), i);
    }
    addedByContent = new PieceIndex(places);
    vocabulary = vocabulary(model, added);
    firstSpace = firstSpace(model.normalization());
    idLimit = Math.max(modelVocabulary, vocabulary.size());
  }

  private static List<AddedToken> added(SentencePieceModel model, Framing framing) {
    Map<Integer, AddedToken> byId = new HashMap<>();
    for (int id = 0; id < model.pieces().size(); id++) {
      Piece piece = model.pieces().get(id);
      if (piece.type() == PieceType.CONTROL || piece.type() == PieceType.UNKNOWN) {
        byId.put(id, new AddedToken(id, piece.text(), true));
      }
    }
    framing.added().forEach(token -> byId.put(token.id(), token));
    return new ArrayList<>(byId.values());
  }

  private static Vocabulary vocabulary(SentencePieceModel model, List<AddedToken> added) {
    int size = model.pieces().size();
    for (AddedToken token : added) {
      size = Math.max(size, token.id() + 1);
    }
    @Nullable
    String[] tokens = new @Nullable String[size];
    for (int id = 0; id < model.pieces().size(); id++) {
      tokens[id] = model.pieces().get(id).text();
    }
    BitSet special = new BitSet();
    for (AddedToken token : added) {
      tokens[token.id()] = token.content();
      special.set(token.id(), token.special());
    }
    return new Vocabulary(tokens, special, Vocabulary.Spelling.SENTENCE_PIECE);
  }

  private static FirstSpace firstSpace(Normalization rules) {
    if (rules.singleSpaces()) {
      return FirstSpace.EACH_HIDDEN;
    }
    return rules.spaceBefore() ? FirstSpace.ONE_HIDDEN : FirstSpace.SHOWN;
  }

  @Override
  public int[] encode(String text, boolean addSpecialTokens) {
    Ids ids = new Ids();
    if (addSpecialTokens) {
      framing.prefix().forEach(ids::add);
    }
    encode(WellFormed.text(text), ids);
    if (addSpecialTokens) {
      framing.suffix().forEach(ids::add);
    }
    return ids.toArray();
  }

  private void encode(String text, Ids ids) {
    int from = 0;
    for (int at = 0; at < text.length();) {
      PieceIndex.Match match = addedByContent.longest(text, at);
      if (match == null) {
        at++;
        continue;
      }
      AddedToken token = added.get(match.value());
      int end = at;
      while (token.leftStrip() && end > from && Character.isWhitespace(text.charAt(end - 1))) {
        end--;
      }
      between(text, from, end, ids);
      ids.add(token.id());
      at += match.length();
      while (token.rightStrip() && at < text.length() && Character.isWhitespace(text.charAt(at))) {
        at++;
      }
      from = at;
    }
    between(text, from, text.length(), ids);
  }

  private void between(String text, int from, int to, Ids ids) {
    if (from < to) {
      encoder.encode(text.substring(from, to), from == 0 || framing.spaceAfterAdded(), ids);
    }
  }

  @Override
  public String decode(int[] ids, boolean skipSpecialTokens) {
    return Streams.decode(streaming(skipSpecialTokens), ids);
  }

  @Override
  public StreamingDetokenizer streaming(boolean skipSpecialTokens) {
    return new SentencePieceDetokenizer(this::checked, vocabulary, skipSpecialTokens, firstSpace);
  }

  @Override
  public StreamingDetokenizer continuing(boolean skipSpecialTokens) {
    return new SentencePieceDetokenizer(this::checked, vocabulary, skipSpecialTokens, FirstSpace.SHOWN);
  }

  @Override
  public byte[] tokenBytes(int id) {
    return vocabulary.textBytes(checked(id));
  }

  @Override
  public String tokenText(int id) {
    return vocabulary.text(checked(id));
  }

  @Override
  public boolean isSpecial(int id) {
    return vocabulary.isSpecial(checked(id));
  }

  @Override
  public int size() {
    return vocabulary.size();
  }

  private int checked(int id) {
    return IdRange.check(id, idLimit);
  }
}
