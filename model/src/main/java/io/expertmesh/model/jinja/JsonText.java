package io.expertmesh.model.jinja;

import java.util.List;
import java.util.Map;

/** The {@code tojson} filter as transformers defines it: Python's {@code json.dumps}, which does not escape HTML. */
final class JsonText {
  private final String indent;
  private final String itemSeparator;
  private final String keySeparator;
  private final boolean ascii;
  private final boolean sorted;
  private final StringBuilder out = new StringBuilder();

  private JsonText(CallArguments arguments) {
    indent = switch (arguments.get(1, "indent", None.NONE)) {
      case Long width -> " ".repeat(Math.clamp(width, 0, 64));
      case String text -> text;
      default -> "";
    };
    ascii = Values.isTrue(arguments.get(0, "ensure_ascii", false));
    sorted = Values.isTrue(arguments.get(3, "sort_keys", false));
    boolean lines = !(arguments.get(1, "indent", None.NONE) instanceof None);
    Object separators = arguments.get(2, "separators", None.NONE);
    if (Values.isSequence(separators)) {
      itemSeparator = Values.text(Values.items(separators).get(0)) + (lines ? "\n" : "");
      keySeparator = Values.text(Values.items(separators).get(1));
    } else {
      itemSeparator = lines ? ",\n" : ", ";
      keySeparator = ": ";
    }
  }

  static String of(Object value, CallArguments arguments) {
    JsonText text = new JsonText(arguments);
    text.write(value, text.itemSeparator.endsWith("\n") ? "\n" : "");
    return text.out.toString();
  }

  /** @param margin the line break and indentation of the enclosing value; empty if all is on one line */
  private void write(Object value, String margin) {
    Budget.current().step();
    int before = out.length();
    switch (value) {
      case String text -> quote(text);
      case None none -> out.append("null");
      case Boolean flag -> out.append(flag);
      case Long number -> out.append(number);
      case Double number -> out.append(Numbers.text(number).replace("nan", "NaN").replace("inf", "Infinity"));
      case Map<?, ?> map -> {
        List<?> keys = sorted
            ? map.keySet().stream().sorted((a, b) -> Values.compare(a, b, "<")).toList()
            : List.copyOf(map.keySet());
        list('{', keys, '}', margin, key -> {
          quote(key instanceof String text ? text : of(key, CallArguments.NONE));
          out.append(keySeparator);
          write(Members.item(map, key), margin + (margin.isEmpty() ? "" : indent));
        });
      }
      case List<?> list -> list('[', list, ']', margin, item -> write(item, margin + (margin.isEmpty() ? "" : indent)));
      case Tuple tuple -> write(tuple.items(), margin);
      default -> throw JinjaException.runtime("Object of type %s is not JSON serializable".formatted(
          Values.typeName(value)));
    }
    Budget.current().allocate(out.length() - before);
  }

  private void list(char open, List<?> items, char close, String margin, java.util.function.Consumer<Object> item) {
    out.append(open);
    String inner = margin.isEmpty() ? "" : margin + indent;
    String separator = margin.isEmpty()
        ? itemSeparator
        : itemSeparator.substring(0, itemSeparator.length() - 1)
            + inner;
    for (int i = 0; i < items.size(); i++) {
      out.append(i == 0 ? inner : separator);
      item.accept(items.get(i));
    }
    out.append(items.isEmpty() ? "" : margin).append(close);
  }

  private void quote(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        default -> {
          if (c < ' ' || (ascii && c > '~')) {
            out.append("\\u%04x".formatted((int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
