package io.expertmesh.engine.decoder;

/**
 * What a decoder's cross-attention sees of one request's input. It does not change any more.
 *
 * @param tokens of the input
 * @param keys by block: of head h and token t from {@code (h * tokens + t) * headDim} on; empty for blocks without
 *     cross-attention
 * @param values likewise
 */
public record EncodedInput(int tokens, float[][] keys, float[][] values) {}
