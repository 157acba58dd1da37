/** Text to token ids and back, and chat templates, as the checkpoint describes them. */
@NullMarked
package io.expertmesh.model.tokenizer;

import org.jspecify.annotations.NullMarked;
