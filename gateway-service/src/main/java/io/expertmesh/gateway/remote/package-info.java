/** Experts in other processes: which replicas there are, calls to them, and what happens when one fails. */
@NullMarked
package io.expertmesh.gateway.remote;

import org.jspecify.annotations.NullMarked;
