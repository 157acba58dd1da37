package io.expertmesh.gateway.openai;

import io.expertmesh.engine.constraint.CallConstraints;
import io.expertmesh.engine.constraint.ConstraintCompiler;
import io.expertmesh.engine.constraint.TokenConstraint;
import io.expertmesh.model.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;

/** Makes the constraints that response formats and tools ask for. What it needs to know of the vocabulary is read at first use. */
final class Constraints {
  private final Tokenizer tokenizer;
  private @Nullable ConstraintCompiler compiler;
  private @Nullable CallConstraints callConstraints;

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

  /**
   * A constraint for one answer of a chat; null for free text.
   *
   * @param tools null if it calls nothing
   */
  @Nullable
  TokenConstraint of(ResponseFormat format, @Nullable ToolUse tools) {
    return tools == null ? of(format) : tools.constraint(callConstraints(tools), format);
  }

  private synchronized CallConstraints callConstraints(ToolUse tools) {
    if (callConstraints == null) {
      callConstraints = new CallConstraints(tools.format().syntax(), tokenizer, tools.specialMarks());
    }
    return callConstraints;
  }

  private synchronized ConstraintCompiler compiler() {
    if (compiler == null) {
      compiler = new ConstraintCompiler(tokenizer);
    }
    return compiler;
  }
}
