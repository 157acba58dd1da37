/**
 * The part of the Jinja template language that chat templates use, with the semantics of Jinja2 as transformers sets it
 * up ({@code trim_blocks}, {@code lstrip_blocks}, loop controls, an immutable sandbox). Templates come with checkpoints
 * from anywhere, so they see nothing but the values that are handed in and every rendering has a budget.
 */
@NullMarked
package io.expertmesh.model.jinja;

import org.jspecify.annotations.NullMarked;
