package io.expertmesh.model.jinja;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code 'text {} {0} {name}'.format(...)}, without format specifications. */
final class BraceFormat {
  private static final Pattern FIELD = Pattern.compile("\\{\\{|\\}\\}|\\{([^{}]*)\\}");

  private BraceFormat() {}

  static String format(String text, CallArguments arguments) {
    StringBuilder out = new StringBuilder();
    Matcher field = FIELD.matcher(text);
    int automatic = 0;
    int from = 0;
    while (field.find()) {
      out.append(text, from, field.start());
      from = field.end();
      String name = field.group(1);
      if (name == null) {
        out.append(field.group().charAt(0));
      } else if (name.isEmpty()) {
        out.append(Values.text(positional(arguments, automatic++)));
      } else if (name.chars().allMatch(Character::isDigit) && name.length() < 9) {
        out.append(Values.text(positional(arguments, Integer.parseInt(name))));
      } else if (arguments.named().containsKey(name)) {
        out.append(Values.text(arguments.named().get(name)));
      } else {
        throw JinjaException.runtime("format field '{%s}' is not supported".formatted(name));
      }
      Budget.current().allocate(out.length());
    }
    return out.append(text, from, text.length()).toString();
  }

  private static Object positional(CallArguments arguments, int index) {
    if (index >= arguments.positional().size()) {
      throw JinjaException.runtime("Replacement index %d out of range for positional args tuple".formatted(index));
    }
    return arguments.positional().get(index);
  }
}
