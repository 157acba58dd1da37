/** From tokens to text: streaming detokenisation, stop strings, several answers to one prompt. */
@NullMarked
package io.expertmesh.engine.text;

import org.jspecify.annotations.NullMarked;
