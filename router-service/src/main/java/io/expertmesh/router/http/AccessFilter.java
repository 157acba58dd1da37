package io.expertmesh.router.http;

import io.expertmesh.router.admin.Access;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.web.filter.OncePerRequestFilter;

/** Lets only those in who may; the health check is open. Web pages may nothing. */
final class AccessFilter extends OncePerRequestFilter {
  private final Access access;

  AccessFilter(Access access) {
    this.access = access;
  }

  @Override
  protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    String path = request.getRequestURI();
    if (!path.equals("/health")) {
      if (request.getHeader("Origin") != null) {
        throw new HttpException(new HttpError(403, "forbidden", "Web pages may not call the router."));
      }
      access.require(path.equals("/metrics") ? Access.Right.READ : Access.Right.ADMIN,
          request.getHeader("Authorization"));
    }
    chain.doFilter(request, response);
  }
}
