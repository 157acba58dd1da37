@NullMarked
package io.expertmesh.cli.chaos;

import org.jspecify.annotations.NullMarked;
