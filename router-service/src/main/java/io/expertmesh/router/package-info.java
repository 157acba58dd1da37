/** The control plane: who holds which experts, and who should. */
@NullMarked
package io.expertmesh.router;

import org.jspecify.annotations.NullMarked;
