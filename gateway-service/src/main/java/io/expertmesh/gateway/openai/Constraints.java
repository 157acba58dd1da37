package io.expertmesh.gateway.openai;

import io.expertmesh.engine.constraint.ConstraintCompiler;
import io.expertmesh.engine.constraint.TokenConstraint;
import io.expertmesh.model.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;

/** Makes the constraint that a response format asks for. What it needs to know of the vocabulary is read at first use. */
final class Constraints {
  private final Tokenizer tokenizer;
  private @Nullable ConstraintCompiler compiler;

  Constraints(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** A constraint for one answer; null for free text. */
  @Nullable
  TokenConstraint of(ResponseFormat format) {
    return switch (format) {
      case ResponseFormat.Text text -> null;
      case ResponseFormat.JsonObject object -> compiler().jsonObject();
      case ResponseFormat.JsonSchema schema -> compiler().jsonSchema(schema.schema(), schema.strict());
    };
  }

  private synchronized ConstraintCompiler compiler() {
    if (compiler == null) {
      compiler = new ConstraintCompiler(tokenizer);
    }
    return compiler;
  }
}
