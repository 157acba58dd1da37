package io.expertmesh.model.sentencepiece;

import org.jspecify.annotations.Nullable;

/** Brings a text into the form in which it is cut into pieces ({@code normalizer.cc}, {@code Normalizer::Normalize}). */
final class TextNormalizer {
  static final char SPACE = '\u2581';

  private final Normalization rules;
  /** Pieces that are kept as they stand. */
  private final @Nullable PieceIndex userDefined;

  TextNormalizer(Normalization rules, @Nullable PieceIndex userDefined) {
    this.rules = rules;
    this.userDefined = userDefined;
  }

  /** @param first whether {@code text} begins one, so that the space before it is put there if the rules say so */
  String normalize(String text, boolean first) {
    StringBuilder out = new StringBuilder(text.length() + 8);
    if (rules.spaceBefore() && first) {
      out.append(SPACE);
    }
    int start = out.length();
    boolean afterSpace = rules.singleSpaces();
    int at = 0;
    while (at < text.length()) {
      String by;
      PieceIndex.Match kept = userDefined == null ? null : userDefined.longest(text, at);
      CharsMap.Replacement replaced = kept != null || rules.characters() == null
          ? null
          : rules.characters().longest(text, at);
      if (replaced == null) {
        int length = kept == null ? Character.charCount(text.codePointAt(at)) : kept.length();
        by = text.substring(at, at + length);
        at += length;
      } else {
        by = replaced.by();
        at += replaced.length();
      }
      int skipped = 0;
      while (afterSpace && skipped < by.length() && by.charAt(skipped) == ' ') {
        skipped++;
      }
      for (int i = skipped; i < by.length(); i++) {
        out.append(by.charAt(i) == ' ' ? SPACE : by.charAt(i));
      }
      if (skipped < by.length()) {
        afterSpace = rules.singleSpaces() && by.charAt(by.length() - 1) == ' ';
      }
    }
    if (text.isEmpty() || (rules.singleSpaces() && out.length() == start)) {
      return "";
    }
    if (rules.singleSpaces()) {
      int end = out.length();
      while (end > 0 && out.charAt(end - 1) == SPACE) {
        end--;
      }
      out.setLength(end);
    }
    return out.toString();
  }
}
