/** The paged cache of keys and values, with reuse of common prefixes. */
@NullMarked
package io.expertmesh.engine.kvcache;

import org.jspecify.annotations.NullMarked;
