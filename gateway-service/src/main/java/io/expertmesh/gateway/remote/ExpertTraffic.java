package io.expertmesh.gateway.remote;

/**
 * What went over the network for experts since the start.
 *
 * @param calls layers of steps, or of their micro-batches
 * @param tokens token rows of these calls: tokens times layers
 * @param rows (token, expert) pairs of these calls
 * @param messagesOut batches, repeated ones included
 * @param messagesIn answers, unused ones included
 * @param retries batches sent because another failed
 * @param hedges batches sent because another was late
 * @param hedgeWins those of them that were first
 * @param lostExperts experts of calls that no replica could compute
 */
public record ExpertTraffic(long calls, long tokens, long rows, long messagesOut, long messagesIn, long bytesOut,
    long bytesIn, long retries, long hedges, long hedgeWins, long lostExperts) {}
