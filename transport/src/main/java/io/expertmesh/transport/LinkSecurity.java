package io.expertmesh.transport;

/** How services protect what they tell each other: activations, from which prompts can be recovered. */
public sealed interface LinkSecurity permits Tls, Plaintext {}
