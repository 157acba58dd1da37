/** Checkpoint files: safetensors folders and GGUF, memory-mapped and validated before anything is served. */
@NullMarked
package io.expertmesh.model.checkpoint;

import org.jspecify.annotations.NullMarked;
