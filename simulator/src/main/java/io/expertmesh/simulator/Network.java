package io.expertmesh.simulator;

/**
 * What lies between gateway and experts.
 *
 * @param latency seconds for a message, one way, both hosts' stacks included
 * @param gigabits of a connection
 * @param gatewaySend processor seconds that a gateway needs to send a message
 * @param gatewayReceive the same to take an answer in
 * @param expertMessage processor seconds that an expert process needs for a message and its answer
 * @param messageGigabytes that a core packs and sends, or takes in and unpacks, in 1e9 bytes a second
 */
public record Network(double latency, double gigabits, double gatewaySend, double gatewayReceive,
    double expertMessage, double messageGigabytes) {}
