/** KEDA's external scaler: what groups of experts need, in its words. */
@NullMarked
package io.expertmesh.router.keda;

import org.jspecify.annotations.NullMarked;
