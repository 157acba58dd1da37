/** The {@code expertmesh} command. Results go to standard output; logs, progress and errors to standard error. */
@NullMarked
package io.expertmesh.cli;

import org.jspecify.annotations.NullMarked;
