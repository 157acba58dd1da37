package io.expertmesh.model.tokenizer;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
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
    library = NativeTokenizers.open(Json.bytes(whole), source);
    idLimit = Math.max(modelVocabulary, vocabulary.size());
  }

  @Override
  public int[] encode(String text, boolean addSpecialTokens) {
    long[] ids = library.encode(wellFormed(text), addSpecialTokens, false).getIds();
    int[] result = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      result[i] = Math.toIntExact(ids[i]);
    }
    return result;
  }

  @Override
  public String decode(int[] ids, boolean skipSpecialTokens) {
    long[] checked = new long[ids.length];
    for (int i = 0; i < ids.length; i++) {
      checked[i] = checked(ids[i]);
    }
    return library.decode(checked, skipSpecialTokens);
  }

  @Override
  public StreamingDetokenizer streaming(boolean skipSpecialTokens) {
    if (vocabulary.spelling() != Vocabulary.Spelling.BYTE_LEVEL) {
      return new RedecodingDetokenizer(ids -> decode(ids, skipSpecialTokens));
    }
    return new ByteDetokenizer(skipSpecialTokens ? this::tokenBytes : id -> vocabulary.bytes(checked(id)));
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
    if (id < 0 || id >= idLimit) {
      throw new FailureException(FailureCategory.INVALID_REQUEST,
          "token id %d is outside the vocabulary; valid ids are 0 to %d".formatted(id, idLimit - 1));
    }
    return id;
  }

  /** A Java string may hold half a surrogate pair, UTF-8 cannot: each half becomes U+FFFD. */
  private static String wellFormed(String text) {
    StringBuilder fixed = null;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!Character.isSurrogate(c)) {
        continue;
      }
      if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
        continue;
      }
      if (fixed == null) {
        fixed = new StringBuilder(text);
      }
      fixed.setCharAt(i, '\uFFFD');
    }
    return fixed == null ? text : fixed.toString();
  }
}
