package io.expertmesh.engine.toolcall;

import io.expertmesh.engine.constraint.CallSyntax;
import io.expertmesh.model.tokenizer.Tokenizer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** How a family of models writes calls of functions. */
public sealed interface ToolCallFormat permits HermesCalls, DeepSeekCalls, MistralCalls {
  /**
   * The format in which a model answers, recognised by what its chat template tells the model or writes for earlier
   * calls.
   *
   * @param jinja the chat template
   * @return null if it is none that can be read
   */
  static @Nullable ToolCallFormat of(String jinja) {
    if (jinja.contains(DeepSeekCalls.OPEN)) {
      return new DeepSeekCalls(jinja.contains("```json"));
    }
    if (jinja.contains(MistralCalls.OPEN) && !jinja.contains("[ARGS]")) {
      return new MistralCalls(jinja.contains(MistralCalls.OPEN + " ["));
    }
    boolean notJson = jinja.contains("<arg_key>") || jinja.contains("<function=");
    return jinja.contains(HermesCalls.OPEN) && jinja.contains("arguments") && !notJson ? new HermesCalls() : null;
  }

  /** The text of a call, literally, as the model was trained to write it. */
  CallSyntax syntax();

  /** What ends the text of one or more calls; null if only the answer's end does. */
  @Nullable
  String closing();

  /** Texts of the format that may be special tokens. */
  List<String> marks();

  /**
   * Reads what stood between the opening mark and {@link #closing}.
   *
   * @param block without these two
   * @param functions that there are; a call of another one is no call
   * @return the calls in their order, and as text what is none; empty if there is no call at all
   */
  List<AnswerPart> read(String block, Set<String> functions);

  /** An id for a call, of the form that the family's templates ask for. */
  default String newId() {
    return "call_" + UUID.randomUUID().toString().replace("-", "").substring(0, 24);
  }

  /** The marks that are special tokens of {@code tokenizer}, by their ids: a parser must see them all the same. */
  default Map<Integer, String> specialMarks(Tokenizer tokenizer) {
    Map<Integer, String> byId = new HashMap<>();
    for (String mark : marks()) {
      for (int id : tokenizer.encode(mark, false)) {
        if (tokenizer.isSpecial(id) && tokenizer.tokenText(id).equals(mark)) {
          byId.put(id, mark);
        }
      }
    }
    return byId;
  }
}
