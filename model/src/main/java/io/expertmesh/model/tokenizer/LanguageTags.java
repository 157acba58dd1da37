package io.expertmesh.model.tokenizer;

import java.util.Collection;
import java.util.HashMap;
import java.util.IllformedLocaleException;
import java.util.Locale;
import java.util.Map;
import java.util.MissingResourceException;
import org.jspecify.annotations.Nullable;

/** Between BCP 47 tags, such as {@code en} and {@code zh-Hant}, and codes of language and script, {@code eng_Latn}. */
final class LanguageTags {
  /** ISO 639-1 languages that are groups in ISO 639-3, and the member that NLLB has. */
  private static final Map<String, String> MEMBERS = Map.ofEntries(Map.entry("ar", "arb"), Map.entry("ay", "ayr"),
      Map.entry("az", "azj"), Map.entry("fa", "pes"), Map.entry("ff", "fuv"), Map.entry("kr", "knc"),
      Map.entry("ku", "kmr"), Map.entry("lv", "lvs"), Map.entry("mg", "plt"), Map.entry("mn", "khk"),
      Map.entry("ms", "zsm"), Map.entry("ne", "npi"), Map.entry("no", "nob"), Map.entry("om", "gaz"),
      Map.entry("or", "ory"), Map.entry("ps", "pbt"), Map.entry("qu", "quy"), Map.entry("sq", "als"),
      Map.entry("sw", "swh"), Map.entry("uz", "uzn"), Map.entry("yi", "ydd"));
  private static final Map<String, String> TWO_LETTERS = twoLetters();

  private LanguageTags() {}

  private static Map<String, String> twoLetters() {
    Map<String, String> tags = new HashMap<>();
    for (String language : Locale.getISOLanguages()) {
      tags.put(threeLetters(Locale.of(language)), language);
    }
    return Map.copyOf(tags);
  }

  private static String threeLetters(Locale locale) {
    String member = MEMBERS.get(locale.getLanguage());
    if (member != null) {
      return member;
    }
    try {
      return locale.getISO3Language();
    } catch (MissingResourceException e) {
      return "";
    }
  }

  /** The one of {@code codes} that {@code tag} means, null if there is none. */
  static @Nullable String code(String tag, Collection<String> codes) {
    Locale locale;
    try {
      locale = new Locale.Builder().setLanguageTag(tag.replace('_', '-')).build();
    } catch (IllformedLocaleException e) {
      return null;
    }
    String language = threeLetters(locale);
    if (language.isEmpty() || !locale.getVariant().isEmpty()) {
      return null;
    }
    String script = locale.getScript();
    if (script.isEmpty() && language.equals("zho")) {
      script = switch (locale.getCountry()) {
        case "TW", "HK", "MO" -> "Hant";
        default -> "Hans";
      };
    }
    for (String code : codes) {
      if (code.startsWith(language + "_") && (script.isEmpty() || code.endsWith("_" + script))) {
        return code;
      }
    }
    return null;
  }

  /** The English name of {@code code}, with the script if another of {@code codes} is the same language. */
  static String name(String code, Collection<String> codes) {
    String language = code.substring(0, 3);
    Locale.Builder locale = new Locale.Builder().setLanguage(TWO_LETTERS.getOrDefault(language, language));
    if (codes.stream().filter(other -> other.startsWith(language + "_")).count() > 1) {
      locale.setScript(code.substring(4));
    }
    return locale.build().getDisplayName(Locale.ENGLISH);
  }
}
