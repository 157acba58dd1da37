@NullMarked
package io.expertmesh.expert.compute;

import org.jspecify.annotations.NullMarked;
