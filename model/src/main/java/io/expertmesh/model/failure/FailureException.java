package io.expertmesh.model.failure;

import org.jspecify.annotations.Nullable;

/**
 * A failure with a category and a message written for the person who caused or operates it: what is wrong, with the
 * values, and what to do next.
 */
public final class FailureException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final FailureCategory category;
  private final @Nullable String parameter;

  public FailureException(FailureCategory category, String message) {
    this(category, message, null, null);
  }

  public FailureException(FailureCategory category, String message, Throwable cause) {
    this(category, message, null, cause);
  }

  private FailureException(FailureCategory category, String message, @Nullable String parameter,
      @Nullable Throwable cause) {
    super(message, cause);
    this.category = category;
    this.parameter = parameter;
  }

  /** An invalid request whose fault lies in the field {@code parameter}. */
  public static FailureException invalidParameter(String parameter, String message) {
    return new FailureException(FailureCategory.INVALID_REQUEST, message, parameter, null);
  }

  public FailureCategory category() {
    return category;
  }

  /** The request field or command-line option at fault, if one is. */
  public @Nullable String parameter() {
    return parameter;
  }
}
