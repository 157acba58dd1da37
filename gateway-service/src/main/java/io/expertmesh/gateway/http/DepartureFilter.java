package io.expertmesh.gateway.http;

import io.expertmesh.gateway.Departure;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.web.filter.OncePerRequestFilter;

/** Ends connections with their next answer once the server is about to stop, so that clients come back elsewhere. */
public final class DepartureFilter extends OncePerRequestFilter {
  private final Departure departure;

  public DepartureFilter(Departure departure) {
    this.departure = departure;
  }

  @Override
  protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    if (departure.isAnnounced()) {
      response.setHeader("Connection", "close");
    }
    chain.doFilter(request, response);
  }
}
