/** Line charts as SVG, and a page that shows them. */
@NullMarked
package io.expertmesh.simulator.plot;

import org.jspecify.annotations.NullMarked;
