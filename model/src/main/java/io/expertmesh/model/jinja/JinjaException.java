package io.expertmesh.model.jinja;

/** What is wrong with a template, or what happened while it was rendered. */
public final class JinjaException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Where the fault lies. */
  public enum Kind {
    /** The template cannot be read. */
    SYNTAX,
    /** The template called {@code raise_exception}: it does not accept these messages. */
    RAISED,
    /** An operation on values that do not support it, such as an attribute of something undefined. */
    RUNTIME,
    /** The rendering took too long or became too large. */
    BUDGET
  }

  private final Kind kind;

  JinjaException(Kind kind, String message) {
    super(message);
    this.kind = kind;
  }

  static JinjaException syntax(int line, String message) {
    return new JinjaException(Kind.SYNTAX, "line %d: %s".formatted(line, message));
  }

  static JinjaException runtime(String message) {
    return new JinjaException(Kind.RUNTIME, message);
  }

  public Kind kind() {
    return kind;
  }
}
