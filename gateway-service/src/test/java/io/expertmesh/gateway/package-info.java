@NullMarked
package io.expertmesh.gateway;

import org.jspecify.annotations.NullMarked;
