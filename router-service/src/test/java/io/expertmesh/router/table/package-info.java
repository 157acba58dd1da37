@NullMarked
package io.expertmesh.router.table;

import org.jspecify.annotations.NullMarked;
