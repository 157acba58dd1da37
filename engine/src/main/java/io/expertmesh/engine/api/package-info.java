/** What callers of the engine see: a request goes in, events come out. */
@NullMarked
package io.expertmesh.engine.api;

import org.jspecify.annotations.NullMarked;
