/** What the services with Spring Boot share: their settings, their web server, their page of metrics. */
@NullMarked
package io.expertmesh.web;

import org.jspecify.annotations.NullMarked;
