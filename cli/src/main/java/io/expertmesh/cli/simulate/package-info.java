/** What {@code expertmesh simulate} reads and shows. */
@NullMarked
package io.expertmesh.cli.simulate;

import org.jspecify.annotations.NullMarked;
