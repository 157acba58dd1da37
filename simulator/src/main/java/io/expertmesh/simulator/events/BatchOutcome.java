package io.expertmesh.simulator.events;

/**
 * What became of requests that came together.
 *
 * @param prefillTokensPerSecond all prompt tokens over the time until every request has its first token
 * @param decodeTokensPerSecond tokens generated after that moment over the time until the last of them
 * @param tokens generated
 * @param expertRows that experts computed
 */
public record BatchOutcome(double prefillTokensPerSecond, double decodeTokensPerSecond, long tokens,
    long expertRows) {}
