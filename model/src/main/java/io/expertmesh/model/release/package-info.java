/** Published models whose shapes are known without their weights. */
@NullMarked
package io.expertmesh.model.release;

import org.jspecify.annotations.NullMarked;
