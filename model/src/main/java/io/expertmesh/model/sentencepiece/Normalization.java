package io.expertmesh.model.sentencepiece;

import org.jspecify.annotations.Nullable;

/**
 * What is done to a text before it is cut into pieces. Spaces become U+2581 in any case.
 *
 * @param characters replacements of characters, null for none
 * @param spaceBefore whether a space is put before the text ({@code add_dummy_prefix})
 * @param singleSpaces whether spaces at the ends are dropped and runs of spaces become one
 *     ({@code remove_extra_whitespaces})
 */
public record Normalization(@Nullable CharsMap characters, boolean spaceBefore, boolean singleSpaces) {}
