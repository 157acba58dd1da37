/** The versioned routing table and those who follow it. */
@NullMarked
package io.expertmesh.router.table;

import org.jspecify.annotations.NullMarked;
