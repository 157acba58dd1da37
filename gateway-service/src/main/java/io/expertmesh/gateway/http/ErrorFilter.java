package io.expertmesh.gateway.http;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.web.filter.OncePerRequestFilter;

/** Answers every request that fails, wherever it failed, with the error that {@link ErrorMapping} makes of it. */
public final class ErrorFilter extends OncePerRequestFilter {
  /** What the log and the metrics call the end of a request whose client left. */
  public static final int CLIENT_CLOSED_REQUEST = 499;

  private static final Logger log = LoggerFactory.getLogger(ErrorFilter.class);

  @Override
  protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws IOException {
    try {
      chain.doFilter(request, response);
    } catch (ServletException wrapped) {
      respond(response, wrapped.getCause() == null ? wrapped : wrapped.getCause());
    } catch (IOException broken) {
      log.debug("The connection broke: {}", broken.toString());
      respond(response, new ClientDisconnected());
    } catch (RuntimeException failure) {
      respond(response, failure);
    }
  }

  private static void respond(HttpServletResponse response, Throwable failure) throws IOException {
    if (failure instanceof ClientDisconnected) {
      if (!response.isCommitted()) {
        response.setStatus(CLIENT_CLOSED_REQUEST);
      }
      return;
    }
    ApiError error = ErrorMapping.of(failure);
    if (!response.isCommitted()) {
      response.resetBuffer();
      JsonResponse.write(response, error);
    }
  }
}
