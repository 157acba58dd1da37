@NullMarked
package io.expertmesh.expert;

import org.jspecify.annotations.NullMarked;
