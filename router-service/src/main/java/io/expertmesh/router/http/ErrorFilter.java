package io.expertmesh.router.http;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.router.admin.AccessDenied;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Map;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.servlet.NoHandlerFoundException;
import org.springframework.web.servlet.resource.NoResourceFoundException;

/** Answers every request that fails. The one place where failures become HTTP errors. */
final class ErrorFilter extends OncePerRequestFilter {
  private static final Logger log = LoggerFactory.getLogger(ErrorFilter.class);

  @Override
  protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws IOException {
    try {
      chain.doFilter(request, response);
    } catch (ServletException wrapped) {
      respond(response, Objects.requireNonNullElse(wrapped.getCause(), wrapped));
    } catch (RuntimeException failure) {
      respond(response, failure);
    }
  }

  private static void respond(HttpServletResponse response, Throwable failure) throws IOException {
    if (!response.isCommitted()) {
      of(failure).send(response);
    }
  }

  private static HttpError of(Throwable failure) {
    return switch (failure) {
      case HttpException known -> known.error();
      case FailureException known -> of(known);
      case AccessDenied denied when denied.isKnown() -> new HttpError(403, "forbidden", message(denied));
      case AccessDenied denied -> new HttpError(401, "unauthorized", message(denied),
          Map.of("WWW-Authenticate", "Bearer realm=\"expertmesh\""));
      case NoHandlerFoundException unknown -> new HttpError(404, "not_found", "There is no such path.");
      case NoResourceFoundException unknown -> new HttpError(404, "not_found", "There is no such path.");
      case HttpRequestMethodNotSupportedException wrong ->
        new HttpError(405, "method_not_allowed", wrong.getMethod() + " is not allowed here.");
      default -> {
        log.error("A request failed because of a defect", failure);
        yield new HttpError(500, "internal", "The router failed to answer; its log has more.");
      }
    };
  }

  private static HttpError of(FailureException failure) {
    return switch (failure.category()) {
      case INVALID_REQUEST, TOO_LARGE -> new HttpError(400, "invalid_request", message(failure));
      case NOT_FOUND -> new HttpError(404, "not_found", message(failure));
      case UNAVAILABLE, OVERLOADED, CANCELLED ->
        new HttpError(503, "unavailable", message(failure), Map.of("Retry-After", "1"));
      case INVALID_CHECKPOINT, INTERNAL -> {
        log.error("A request failed", failure);
        yield new HttpError(500, "internal", "The router failed to answer; its log has more.");
      }
    };
  }

  private static String message(Throwable failure) {
    return String.valueOf(failure.getMessage());
  }
}
