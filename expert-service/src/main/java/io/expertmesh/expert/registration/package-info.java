/** The process as the router sees it. */
@NullMarked
package io.expertmesh.expert.registration;

import org.jspecify.annotations.NullMarked;
