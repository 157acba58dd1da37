package io.expertmesh.engine.constraint;

import io.expertmesh.engine.constraint.Rule.Rank;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Makes the constraints behind {@code tool_choice} and strict functions, for one tokenizer and one way of writing calls.
 * Thread-safe.
 */
public final class CallConstraints {
  private static final int MAX_CACHED_GRAMMARS = 32;
  private static final String NO_CALL = "The functions cannot be called: the schema of each one's parameters allows no"
      + " object, or the model's vocabulary lacks characters that a call needs";

  private final CallSyntax syntax;
  private final TokenTrie trie;
  private final ConstraintCompiler compiler;
  private final SequencedMap<Key, Rule> grammars = new LinkedHashMap<>(16, 0.75f, true);

  /** Schemas as text, since the order of properties matters. */
  private record Key(List<String> functions, boolean several, boolean marked, @Nullable String otherwise) {}

  /** @param specialMarks special tokens that calls are written with; they stand for these texts */
  public CallConstraints(CallSyntax syntax, Tokenizer tokenizer, Map<Integer, String> specialMarks) {
    this(syntax, new TokenTrie(tokenizer.size(), id -> {
      String mark = specialMarks.get(id);
      return mark == null ? tokenizer.tokenBytes(id) : mark.getBytes(StandardCharsets.UTF_8);
    }));
  }

  CallConstraints(CallSyntax syntax, TokenTrie trie) {
    this.syntax = syntax;
    this.trie = trie;
    this.compiler = new ConstraintCompiler(trie);
  }

  /** One call or, if {@code several}, any number of them, of some of {@code functions}; nothing else. */
  public TokenConstraint calls(List<CallableFunction> functions, boolean several) {
    return compiler.constraint(rule(functions, several, true, null, false), NO_CALL);
  }

  /** {@link #calls}, or a JSON value that {@code schema} allows. */
  public TokenConstraint callsOrJson(List<CallableFunction> functions, boolean several, JsonNode schema,
      boolean strict) {
    return compiler.constraint(rule(functions, several, true, schema, strict), NO_CALL);
  }

  /** Any text, and behind it perhaps calls: from the mark that begins them on they are as {@link #calls} wants them. */
  public TokenConstraint textThenCalls(List<CallableFunction> functions, boolean several) {
    Rule calls = rule(functions, several, false, null, false);
    return new TextThenCalls(trie, syntax.open(), () -> compiler.constraint(calls, NO_CALL));
  }

  private Rule rule(List<CallableFunction> functions, boolean several, boolean marked, @Nullable JsonNode otherwise,
      boolean strict) {
    List<String> described = new ArrayList<>();
    functions.forEach(function -> described.add(function.toString()));
    Key key = new Key(described, several, marked, otherwise == null ? null : strict + otherwise.toString());
    synchronized (grammars) {
      Rule known = grammars.get(key);
      if (known != null) {
        return known;
      }
    }
    Expr calls = calls(functions, several, marked);
    Expr whole = otherwise == null ? calls : Expr.choice(new Expr.Call(compiler.rule(otherwise, strict)), calls);
    Rule rule = new Rule("calls", Rank.UNION, 0).define(Nfa.compile(whole, trie.singleBytes()));
    Linker.link(List.of(rule));
    synchronized (grammars) {
      grammars.put(key, rule);
      if (grammars.size() > MAX_CACHED_GRAMMARS) {
        grammars.pollFirstEntry();
      }
    }
    return rule;
  }

  private Expr calls(List<CallableFunction> functions, boolean several, boolean marked) {
    List<Expr> options = new ArrayList<>();
    for (CallableFunction function : functions) {
      options.add(Expr.sequence(Expr.text(syntax.beforeName() + function.name() + syntax.afterName()),
          new Expr.Call(arguments(function)), Expr.text(syntax.afterArguments())));
    }
    Expr call = new Expr.Choice(options);
    Expr more = several ? Expr.any(Expr.sequence(Expr.text(syntax.between()), call)) : Expr.EMPTY;
    return Expr.sequence(Expr.text((marked ? syntax.open() : "") + syntax.begin()), call, more,
        Expr.text(syntax.close()));
  }

  private Rule arguments(CallableFunction function) {
    try {
      return compiler.rule(function.parameters(), function.strict());
    } catch (FailureException refused) {
      if (refused.parameter() == null) {
        throw refused;
      }
      throw FailureException.invalidParameter("tools",
          "The parameters of the function '%s' cannot be enforced: %s".formatted(function.name(),
              refused.getMessage()));
    }
  }
}
