/** What a model is made of, as data: the decoder loop reads these descriptions, families write them. */
@NullMarked
package io.expertmesh.model.architecture;

import org.jspecify.annotations.NullMarked;
