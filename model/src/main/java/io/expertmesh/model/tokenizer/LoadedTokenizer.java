package io.expertmesh.model.tokenizer;

import org.jspecify.annotations.Nullable;

/**
 * What a checkpoint says about text.
 *
 * @param chatTemplate null if the checkpoint has none: a base model, which completes but does not chat
 * @param languages null if the tokenizer has no language codes
 */
public record LoadedTokenizer(Tokenizer tokenizer, @Nullable ChatTemplate chatTemplate,
    @Nullable TranslationLanguages languages) {}
