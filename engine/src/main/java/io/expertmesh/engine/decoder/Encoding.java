package io.expertmesh.engine.decoder;

import io.expertmesh.model.decoder.Routing;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What became of a request's input in the encoder.
 *
 * @param routings by mixture of the encoder, where each token went; empty if it was not computed
 * @param input null if it was not computed
 */
public record Encoding(List<Routing> routings, ChunkOutcome outcome, @Nullable EncodedInput input) {}
