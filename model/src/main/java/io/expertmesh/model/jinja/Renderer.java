package io.expertmesh.model.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs statements and appends what they print. */
final class Renderer {
  /** How a body ended. */
  private enum Outcome {
    DONE, BREAK, CONTINUE
  }

  private final StringBuilder out;

  Renderer(StringBuilder out) {
    this.out = out;
  }

  void render(List<Statement> statements, Scope scope) {
    run(statements, scope);
  }

  private Outcome run(List<Statement> statements, Scope scope) {
    for (Statement statement : statements) {
      Outcome outcome = run(statement, scope);
      if (outcome != Outcome.DONE) {
        return outcome;
      }
    }
    return Outcome.DONE;
  }

  private Outcome run(Statement statement, Scope scope) {
    Budget.current().step();
    switch (statement) {
      case Statement.Data data -> print(data.text());
      case Statement.Output output -> print(Values.text(Evaluator.evaluate(output.value(), scope)));
      case Statement.Set set -> assign(set.target(), Evaluator.evaluate(set.value(), scope), scope);
      case Statement.SetBlock set -> {
        String text = capture(set.body(), scope);
        assign(set.target(), set.filter() == null ? text : Evaluator.filterBlock(set.filter(), text, scope), scope);
      }
      case Statement.If choice -> {
        return choose(choice, scope);
      }
      case Statement.For loop -> {
        return loop(loop, scope);
      }
      case Statement.Scoped block -> {
        Scope inner = new Scope(scope);
        for (int i = 0; i < block.targets().size(); i++) {
          assign(block.targets().get(i), Evaluator.evaluate(block.values().get(i), scope), inner);
        }
        return run(block.body(), inner);
      }
      case Statement.MacroDefinition macro -> scope.set(macro.name(), new Macro(macro, scope));
      case Statement.CallBlock block -> print(Values.text(call(block, scope)));
      case Statement.FilterBlock block -> print(Values.text(Evaluator.filterBlock(block.filter(),
          capture(block.body(), scope), scope)));
      case Statement.Break end -> {
        return Outcome.BREAK;
      }
      case Statement.Continue end -> {
        return Outcome.CONTINUE;
      }
    }
    return Outcome.DONE;
  }

  private void print(String text) {
    Budget.current().allocate(text.length());
    out.append(text);
  }

  private static String capture(List<Statement> body, Scope scope) {
    StringBuilder text = new StringBuilder();
    new Renderer(text).render(body, new Scope(scope));
    return text.toString();
  }

  private static Object call(Statement.CallBlock block, Scope scope) {
    CallArguments arguments = Evaluator.arguments(block.call().arguments(), scope);
    Map<String, Object> named = new LinkedHashMap<>(arguments.named());
    named.put("caller", new Macro(block.caller(), scope));
    return Evaluator.call(Evaluator.evaluate(block.call().callee(), scope),
        new CallArguments(arguments.positional(), named));
  }

  private Outcome choose(Statement.If choice, Scope scope) {
    for (int i = 0; i < choice.tests().size(); i++) {
      if (Values.isTrue(Evaluator.evaluate(choice.tests().get(i), scope))) {
        return run(choice.bodies().get(i), scope);
      }
    }
    return run(choice.otherwise(), scope);
  }

  private Outcome loop(Statement.For loop, Scope scope) {
    List<Object> items = Values.items(Evaluator.evaluate(loop.items(), scope));
    if (loop.test() != null) {
      List<Object> chosen = new ArrayList<>();
      for (Object item : items) {
        Scope inner = new Scope(scope);
        assign(loop.target(), item, inner);
        if (Values.isTrue(Evaluator.evaluate(loop.test(), inner))) {
          chosen.add(item);
        }
      }
      items = chosen;
    }
    if (items.isEmpty()) {
      return run(loop.otherwise(), new Scope(scope));
    }
    LoopState state = new LoopState(items, scope.get("loop"));
    for (Object item : items) {
      Budget.current().step();
      state.advance();
      Scope inner = new Scope(scope);
      inner.set("loop", state);
      assign(loop.target(), item, inner);
      if (run(loop.body(), inner) == Outcome.BREAK) {
        break;
      }
    }
    return Outcome.DONE;
  }

  private static void assign(Statement.Target target, Object value, Scope scope) {
    switch (target) {
      case Statement.Target.Variable variable -> scope.set(variable.name(), value);
      case Statement.Target.NamespaceEntry entry -> {
        if (!(scope.get(entry.namespace()) instanceof Namespace namespace)) {
          throw JinjaException.runtime("cannot assign attribute on non-namespace object");
        }
        namespace.variables().put(entry.name(), value);
      }
      case Statement.Target.Several several -> {
        List<Object> values = Values.items(Values.defined(value));
        if (values.size() != several.targets().size()) {
          throw JinjaException.runtime("cannot unpack %d values into %d names".formatted(values.size(),
              several.targets().size()));
        }
        for (int i = 0; i < values.size(); i++) {
          assign(several.targets().get(i), values.get(i), scope);
        }
      }
    }
  }
}
