package io.expertmesh.model.jinja;

import java.util.List;

/** The {@code loop} variable. */
final class LoopState {
  private final List<Object> items;
  private final int depth;
  private int index = -1;
  private Object lastChecked = new Undefined("loop.changed");

  LoopState(List<Object> items, Object outer) {
    this.items = items;
    this.depth = outer instanceof LoopState loop ? loop.depth + 1 : 0;
  }

  void advance() {
    index++;
  }

  Object attribute(String name) {
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> (long) items.size() - index;
      case "revindex0" -> items.size() - index - 1L;
      case "first" -> index == 0;
      case "last" -> index == items.size() - 1;
      case "length" -> (long) items.size();
      case "depth" -> depth + 1L;
      case "depth0" -> (long) depth;
      case "previtem" -> index > 0 ? items.get(index - 1) : new Undefined("there is no previous item");
      case "nextitem" -> index + 1 < items.size() ? items.get(index + 1) : new Undefined("there is no next item");
      case "cycle" -> (Callable) this::cycle;
      case "changed" -> (Callable) this::changed;
      default -> new Undefined("'LoopContext' object has no attribute '%s'".formatted(name));
    };
  }

  private Object cycle(CallArguments arguments) {
    if (arguments.positional().isEmpty()) {
      throw JinjaException.runtime("no items for cycling given");
    }
    return arguments.positional().get(index % arguments.positional().size());
  }

  private Object changed(CallArguments arguments) {
    Object value = new Tuple(arguments.positional());
    boolean changed = !Values.equal(value, lastChecked);
    lastChecked = value;
    return changed;
  }
}
