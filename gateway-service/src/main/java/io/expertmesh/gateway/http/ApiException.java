package io.expertmesh.gateway.http;

/** Ends the handling of a request with an error. */
public final class ApiException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient ApiError error;

  public ApiException(ApiError error) {
    super(error.message(), null, false, false);
    this.error = error;
  }

  /** 400: a field has a wrong value. */
  public static ApiException invalid(String parameter, String message) {
    return new ApiException(ApiError.badRequest(parameter, "invalid_value", message));
  }

  public ApiError error() {
    return error;
  }
}
