/** OpenAI's HTTP API: what requests may say, how answers are written. */
@NullMarked
package io.expertmesh.gateway.openai;

import org.jspecify.annotations.NullMarked;
