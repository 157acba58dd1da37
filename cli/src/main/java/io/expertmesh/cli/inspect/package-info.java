/** What is in a checkpoint, for people and programs. */
@NullMarked
package io.expertmesh.cli.inspect;

import org.jspecify.annotations.NullMarked;
