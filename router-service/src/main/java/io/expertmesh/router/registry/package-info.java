/** Which expert processes are alive: registrations and their leases. */
@NullMarked
package io.expertmesh.router.registry;

import org.jspecify.annotations.NullMarked;
