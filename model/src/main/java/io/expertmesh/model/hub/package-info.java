/** Models by name: the Hugging Face cache on this machine, and downloads from the hub into it. */
@NullMarked
package io.expertmesh.model.hub;

import org.jspecify.annotations.NullMarked;
