/** What operators ask for, over gRPC, and who may ask. */
@NullMarked
package io.expertmesh.router.admin;

import org.jspecify.annotations.NullMarked;
