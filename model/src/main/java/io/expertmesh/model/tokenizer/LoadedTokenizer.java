package io.expertmesh.model.tokenizer;

import org.jspecify.annotations.Nullable;

/**
 * What a checkpoint says about text.
 *
 * @param chatTemplate null if the checkpoint has none: a base model, which completes but does not chat
 */
public record LoadedTokenizer(Tokenizer tokenizer, @Nullable ChatTemplate chatTemplate) {}
