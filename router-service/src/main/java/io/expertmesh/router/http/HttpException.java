package io.expertmesh.router.http;

/** Ends the handling of a request with an error. */
final class HttpException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient HttpError error;

  HttpException(HttpError error) {
    super(error.message(), null, false, false);
    this.error = error;
  }

  HttpError error() {
    return error;
  }
}
