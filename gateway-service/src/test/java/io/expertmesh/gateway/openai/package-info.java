@NullMarked
package io.expertmesh.gateway.openai;

import org.jspecify.annotations.NullMarked;
