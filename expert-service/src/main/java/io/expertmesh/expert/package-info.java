/** A process that holds some experts and runs them for any gateway: how it is configured, started and stopped. */
@NullMarked
package io.expertmesh.expert;

import org.jspecify.annotations.NullMarked;
