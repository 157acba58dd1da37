@NullMarked
package io.expertmesh.integration;

import org.jspecify.annotations.NullMarked;
