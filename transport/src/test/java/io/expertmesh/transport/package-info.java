@NullMarked
package io.expertmesh.transport;

import org.jspecify.annotations.NullMarked;
