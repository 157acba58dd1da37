/** One process that holds some experts and runs their feed-forward networks for any gateway. */
@NullMarked
package io.expertmesh.expert;

import org.jspecify.annotations.NullMarked;
