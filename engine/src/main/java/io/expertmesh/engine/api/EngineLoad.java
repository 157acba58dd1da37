package io.expertmesh.engine.api;

/**
 * A momentary view of how busy the engine is.
 *
 * @param running requests that hold KV pages
 * @param runningLimit requests that can run at once
 * @param waiting requests in the queue
 * @param blocked those of the running ones that wait for experts to come back
 * @param queueCapacity requests that the queue can hold
 * @param kvPagesUsed pages held by running requests
 * @param kvPagesCached pages that hold reusable prefixes of finished requests and can be taken back at any time
 * @param kvPagesTotal all pages
 * @param lastBatchRows token rows of the last step
 * @param promptTokens prompt tokens since the start, reused ones included
 * @param reusedPromptTokens prompt tokens since the start whose keys and values were found in the prefix cache
 * @param generatedTokens generated tokens since the start
 * @param steps steps of the decoder since the start
 * @param blockedRequests times since the start that a request began to wait for experts
 * @param degradedRequests requests since the start that finished with some experts replaced or left out
 */
public record EngineLoad(
    int running,
    int runningLimit,
    int waiting,
    int blocked,
    int queueCapacity,
    int kvPagesUsed,
    int kvPagesCached,
    int kvPagesTotal,
    int lastBatchRows,
    long promptTokens,
    long reusedPromptTokens,
    long generatedTokens,
    long steps,
    long blockedRequests,
    long degradedRequests) {}
