package io.expertmesh.engine.api;

/**
 * What an encoder-decoder model reads before it generates.
 *
 * @param ids token ids, at least one
 * @param startTokens how many of the prompt's token ids start the decoder together; those after them are taken one by
 *     one like generated ones, such as a first token that the model does not choose itself
 */
public record EncoderInput(int[] ids, int startTokens) {}
