/** The one failure type of ExpertMesh; every failure has a category, and the services map categories in one place. */
@NullMarked
package io.expertmesh.model.failure;

import org.jspecify.annotations.NullMarked;
