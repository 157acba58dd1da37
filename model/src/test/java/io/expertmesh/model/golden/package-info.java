/** Comparison with Hugging Face transformers, stage by stage. */
@NullMarked
package io.expertmesh.model.golden;

import org.jspecify.annotations.NullMarked;
