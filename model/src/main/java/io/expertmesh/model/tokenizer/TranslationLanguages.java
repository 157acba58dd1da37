package io.expertmesh.model.tokenizer;

import io.expertmesh.model.failure.FailureException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The languages of a translation model whose language codes are special tokens (NLLB: {@code eng_Latn}). The encoder
 * reads the source language's code, the text and EOS; the decoder's first token after its start token is forced to be
 * the target language's code ({@code tokenization_nllb.py}). Thread-safe.
 */
public final class TranslationLanguages {
  private static final Pattern CODE = Pattern.compile("[a-z]{3}_[A-Z][a-z]{3}");
  private static final int SUGGESTIONS = 4;

  /**
   * One language.
   *
   * @param code as the model knows it: ISO 639-3, script ({@code zho_Hans})
   * @param name in English
   * @param tokenId the id of its token, which is the forced BOS of a translation into it
   */
  public record Language(String code, String name, int tokenId) {}

  private final Tokenizer tokenizer;
  private final Map<String, Language> byCode;
  private final int eos;
  private final boolean codeLast;

  private TranslationLanguages(Tokenizer tokenizer, Map<String, Language> byCode, int eos, boolean codeLast) {
    this.tokenizer = tokenizer;
    this.byCode = byCode;
    this.eos = eos;
    this.codeLast = codeLast;
  }

  /**
   * The languages among the special tokens, null if there are not at least two.
   *
   * @param codeLast whether the source's code follows the text and EOS ({@code legacy_behaviour})
   */
  static @Nullable TranslationLanguages of(Tokenizer tokenizer, boolean codeLast) {
    Map<String, Integer> ids = new LinkedHashMap<>();
    int eos = -1;
    for (int id = 0; id < tokenizer.size(); id++) {
      if (tokenizer.isSpecial(id)) {
        String token = tokenizer.tokenText(id);
        if (isCode(token)) {
          ids.put(token, id);
        } else if (token.equals("</s>")) {
          eos = id;
        }
      }
    }
    if (ids.size() < 2 || eos < 0) {
      return null;
    }
    Map<String, Language> languages = new LinkedHashMap<>();
    ids.forEach((code, id) -> languages.put(code, new Language(code, LanguageTags.name(code, ids.keySet()), id)));
    return new TranslationLanguages(tokenizer, languages, eos, codeLast);
  }

  static boolean isCode(String token) {
    return CODE.matcher(token).matches();
  }

  /** In the order of their ids. */
  public List<Language> all() {
    return List.copyOf(byCode.values());
  }

  /**
   * The language that {@code code} names: the model's own code in any case, or a language tag ({@code en},
   * {@code zh-Hant}, {@code pt-BR}).
   *
   * @param parameter the request's field, for the message
   * @throws FailureException INVALID_REQUEST, with the nearest codes, if there is none
   */
  public Language language(String code, String parameter) {
    Language exact = byCode.get(code);
    if (exact != null) {
      return exact;
    }
    for (Language language : byCode.values()) {
      if (language.code().equalsIgnoreCase(code)) {
        return language;
      }
    }
    String tagged = LanguageTags.code(code, byCode.keySet());
    Language language = tagged == null ? null : byCode.get(tagged);
    if (language == null) {
      throw FailureException.invalidParameter(parameter,
          "the model does not know the language '%s'; the nearest of its %d are %s".formatted(code, byCode.size(),
              String.join(", ", nearest(code))));
    }
    return language;
  }

  /**
   * The encoder's input for {@code text} in {@code source}: code, text, EOS. Names of special tokens in the text become
   * these tokens, as everywhere.
   */
  public int[] encode(String text, Language source) {
    int[] ids = tokenizer.encode(text, false);
    int[] input = new int[ids.length + 2];
    System.arraycopy(ids, 0, input, codeLast ? 0 : 1, ids.length);
    input[codeLast ? input.length - 1 : 0] = source.tokenId();
    input[codeLast ? input.length - 2 : input.length - 1] = eos;
    return input;
  }

  private List<String> nearest(String code) {
    List<Language> languages = new ArrayList<>(byCode.values());
    languages.sort(Comparator.comparingInt(language -> distance(code, language)));
    return languages.stream().limit(SUGGESTIONS).map(l -> "%s (%s)".formatted(l.code(), l.name())).toList();
  }

  private static int distance(String wanted, Language language) {
    String lower = wanted.toLowerCase(Locale.ROOT);
    int byCode = edits(lower, language.code().toLowerCase(Locale.ROOT));
    int byLanguage = 1 + edits(lower, language.code().substring(0, 3));
    return Math.min(Math.min(byCode, byLanguage), edits(lower, language.name().toLowerCase(Locale.ROOT)));
  }

  /** Levenshtein distance. */
  private static int edits(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(substituted, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }
}
