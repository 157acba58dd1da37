/** Tests of what descriptions compute. */
@NullMarked
package io.expertmesh.model.architecture;

import org.jspecify.annotations.NullMarked;
