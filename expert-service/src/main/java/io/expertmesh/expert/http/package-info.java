/** The process as operators see it. */
@NullMarked
package io.expertmesh.expert.http;

import org.jspecify.annotations.NullMarked;
