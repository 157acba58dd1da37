/** Model families: how a checkpoint's configuration and tensors become an architecture and its weights. */
@NullMarked
package io.expertmesh.model.family;

import org.jspecify.annotations.NullMarked;
