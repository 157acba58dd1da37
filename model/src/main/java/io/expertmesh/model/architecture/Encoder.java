package io.expertmesh.model.architecture;

/**
 * The part of an encoder-decoder model that reads the input. The decoder's cross-attention looks at its output.
 *
 * @param blocks how many of the model's blocks are the encoder's: the first ones
 */
public record Encoder(int blocks, Norm finalNorm) {}
