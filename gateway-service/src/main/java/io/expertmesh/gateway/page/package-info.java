/** What a browser or a tool reads about the server: the page that chats, and the description of the API. */
@NullMarked
package io.expertmesh.gateway.page;

import org.jspecify.annotations.NullMarked;
