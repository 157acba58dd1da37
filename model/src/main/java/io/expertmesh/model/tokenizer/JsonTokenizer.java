package io.expertmesh.model.tokenizer;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.tokenizer.SentencePieceDetokenizer.FirstSpace;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * A tokenizer that a Hugging Face {@code tokenizer.json} defines, run by Hugging Face's own library.
 *
 * <p>Texts are never cut and never padded, whatever the file says. Decoding is literal: the clean-up of spaces before
 * punctuation that old configurations ask for ({@code clean_up_tokenization_spaces}) is not done, since it damages
 * code and cannot be streamed; transformers 5 does not do it for BPE either.
 */
public final class JsonTokenizer implements Tokenizer {
  private final HuggingFaceTokenizer library;
  private final Vocabulary vocabulary;
  private final @Nullable FirstSpace firstSpace;
  private final int idLimit;

  /**
   * @param definition the contents of {@code tokenizer.json}; not changed
   * @param modelVocabulary rows of the model's embedding (0 if not known): ids below it are valid even where the
   *     tokenizer has no token for them
   * @param source the file, for messages
   * @throws FailureException INVALID_CHECKPOINT if the definition cannot be used
   */
  public JsonTokenizer(ObjectNode definition, int modelVocabulary, String source) {
    ObjectNode whole = definition.deepCopy();
    whole.putNull("truncation");
    whole.putNull("padding");
    vocabulary = Vocabulary.of(whole, source);
    firstSpace = SentencePieceDecoder.firstSpace(whole.path("decoder"));
    library = NativeTokenizers.open(Json.bytes(whole), source);
    idLimit = Math.max(modelVocabulary, vocabulary.size());
  }

  @Override
  public int[] encode(String text, boolean addSpecialTokens) {
    long[] ids = library.encode(WellFormed.text(text), addSpecialTokens, false).getIds();
    int[] result = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      result[i] = Math.toIntExact(ids[i]);
    }
    return result;
  }

  @Override
  public String decode(int[] ids, boolean skipSpecialTokens) {
    if (firstSpace != null) {
      return Streams.decode(streaming(skipSpecialTokens), ids);
    }
    long[] checked = new long[ids.length];
    for (int i = 0; i < ids.length; i++) {
      checked[i] = checked(ids[i]);
    }
    return library.decode(checked, skipSpecialTokens);
  }

  @Override
  public StreamingDetokenizer streaming(boolean skipSpecialTokens) {
    return streaming(skipSpecialTokens, firstSpace);
  }

  @Override
  public StreamingDetokenizer continuing(boolean skipSpecialTokens) {
    return streaming(skipSpecialTokens, firstSpace == null ? null : FirstSpace.SHOWN);
  }

  private StreamingDetokenizer streaming(boolean skipSpecialTokens, @Nullable FirstSpace hidden) {
    if (hidden != null) {
      return new SentencePieceDetokenizer(this::checked, vocabulary, skipSpecialTokens, hidden);
    }
    return vocabulary.spelling() == Vocabulary.Spelling.BYTE_LEVEL
        ? new ByteDetokenizer(skipSpecialTokens ? this::tokenBytes : id -> vocabulary.bytes(checked(id)))
        : new RedecodingDetokenizer(ids -> decode(ids, skipSpecialTokens));
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
