package io.expertmesh.engine.constraint;

/** A rule or a grammar grew beyond its limit; caught where the schema's place is known and can be named. */
final class GrammarTooLargeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  GrammarTooLargeException(String message) {
    super(message);
  }
}
