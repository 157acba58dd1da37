package io.expertmesh.model.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A macro with the scope that it was defined in. */
record Macro(Statement.MacroDefinition definition, Scope outer) implements Callable {
  @Override
  public Object call(CallArguments arguments) {
    Scope scope = new Scope(outer);
    bind(arguments, scope);
    StringBuilder out = new StringBuilder();
    Budget.current().enterCall();
    new Renderer(out).render(definition.body(), scope);
    Budget.current().leaveCall();
    return out.toString();
  }

  private void bind(CallArguments arguments, Scope scope) {
    List<String> parameters = definition.parameters();
    int required = parameters.size() - definition.defaults().size();
    Map<String, Object> extra = new LinkedHashMap<>(arguments.named());
    for (int i = 0; i < parameters.size(); i++) {
      String name = parameters.get(i);
      Object value = arguments.get(i, name);
      extra.remove(name);
      if (value == null) {
        value = i < required
            ? new Undefined("parameter '%s' was not provided".formatted(name))
            : Evaluator.evaluate(definition.defaults().get(i - required), scope);
      }
      scope.set(name, value);
    }
    Object caller = extra.remove("caller");
    if (caller != null) {
      scope.set("caller", caller);
    }
    scope.set("kwargs", new LinkedHashMap<Object, Object>(extra));
    scope.set("varargs", new Tuple(new ArrayList<>(arguments.from(parameters.size()).positional())));
  }

  @Override
  public boolean equals(Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }
}
