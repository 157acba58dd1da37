package io.expertmesh.model.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** Methods of Python's {@code str}. */
final class StringMethods {
  private StringMethods() {}

  static @Nullable Callable named(String text, String name) {
    return switch (name) {
      case "strip" -> arguments -> strip(text, arguments, true, true);
      case "lstrip" -> arguments -> strip(text, arguments, true, false);
      case "rstrip" -> arguments -> strip(text, arguments, false, true);
      case "split" -> arguments -> split(text, arguments);
      case "rsplit" -> arguments -> splitFromEnd(text, arguments);
      case "splitlines" -> arguments -> lines(text);
      case "partition" -> arguments -> partition(text, arguments.text(0, "sep"));
      case "startswith" -> arguments -> any(arguments.require(0, "prefix"), text::startsWith);
      case "endswith" -> arguments -> any(arguments.require(0, "suffix"), text::endsWith);
      case "removeprefix" -> arguments -> text.startsWith(arguments.text(0, "prefix"))
          ? text.substring(arguments.text(0, "prefix").length())
          : text;
      case "removesuffix" -> arguments -> text.endsWith(arguments.text(0, "suffix"))
          ? text.substring(0, text.length() - arguments.text(0, "suffix").length())
          : text;
      case "upper" -> arguments -> text.toUpperCase(Locale.ROOT);
      case "lower" -> arguments -> text.toLowerCase(Locale.ROOT);
      case "capitalize" -> arguments -> capitalize(text);
      case "title" -> arguments -> title(text);
      case "replace" -> arguments -> replace(text, arguments.text(0, "old"), arguments.text(1, "new"),
          arguments.integer(2, "count", -1));
      case "find" -> arguments -> position(text, text.indexOf(arguments.text(0, "sub")));
      case "rfind" -> arguments -> position(text, text.lastIndexOf(arguments.text(0, "sub")));
      case "count" -> arguments -> count(text, arguments.text(0, "sub"));
      case "join" -> arguments -> join(text, Values.items(Values.defined(arguments.require(0, "iterable"))));
      case "format" -> arguments -> BraceFormat.format(text, arguments);
      case "isdigit", "isdecimal", "isnumeric" -> arguments -> all(text, Character::isDigit);
      case "isalpha" -> arguments -> all(text, Character::isLetter);
      case "isalnum" -> arguments -> all(text, Character::isLetterOrDigit);
      case "isspace" -> arguments -> all(text, c -> Text.isSpace((char) c));
      case "isupper" -> arguments -> !text.equals(text.toLowerCase(Locale.ROOT))
          && text.equals(text.toUpperCase(Locale.ROOT));
      case "islower" -> arguments -> !text.equals(text.toUpperCase(Locale.ROOT))
          && text.equals(text.toLowerCase(Locale.ROOT));
      default -> null;
    };
  }

  private static Object strip(String text, CallArguments arguments, boolean start, boolean end) {
    Object characters = arguments.get(0, "chars", None.NONE);
    String result = text;
    if (characters instanceof String set) {
      result = start ? Text.stripStart(result, set) : result;
      return end ? Text.stripEnd(result, set) : result;
    }
    result = start ? Text.stripStart(result) : result;
    return end ? Text.stripEnd(result) : result;
  }

  private static Object split(String text, CallArguments arguments) {
    Budget.current().allocate(text.length());
    int limit = arguments.integer(1, "maxsplit", -1);
    if (!(arguments.get(0, "sep", None.NONE) instanceof String separator)) {
      return words(text, limit);
    }
    requireSeparator(separator);
    List<Object> parts = new ArrayList<>();
    int from = 0;
    int at = text.indexOf(separator);
    while (at >= 0 && (limit < 0 || parts.size() < limit)) {
      parts.add(text.substring(from, at));
      from = at + separator.length();
      at = text.indexOf(separator, from);
    }
    parts.add(text.substring(from));
    return parts;
  }

  private static void requireSeparator(String separator) {
    if (separator.isEmpty()) {
      throw JinjaException.runtime("empty separator");
    }
  }

  private static List<Object> words(String text, int limit) {
    List<Object> words = new ArrayList<>();
    String rest = Text.stripStart(text);
    while (!rest.isEmpty()) {
      int end = 0;
      while (end < rest.length() && !Text.isSpace(rest.charAt(end))) {
        end++;
      }
      if (limit >= 0 && words.size() == limit) {
        words.add(Text.stripEnd(rest));
        return words;
      }
      words.add(rest.substring(0, end));
      Budget.current().allocate(rest.length() - end);
      rest = Text.stripStart(rest.substring(end));
    }
    return words;
  }

  private static Object splitFromEnd(String text, CallArguments arguments) {
    Budget.current().allocate(text.length());
    int limit = arguments.integer(1, "maxsplit", -1);
    if (limit < 0 || !(arguments.get(0, "sep", None.NONE) instanceof String separator)) {
      return split(text, new CallArguments(List.of(arguments.get(0, "sep", None.NONE)), java.util.Map.of()));
    }
    requireSeparator(separator);
    List<Object> parts = new ArrayList<>();
    int end = text.length();
    int at = text.lastIndexOf(separator);
    while (at >= 0 && parts.size() < limit) {
      parts.addFirst(text.substring(at + separator.length(), end));
      end = at;
      at = text.lastIndexOf(separator, end - separator.length());
    }
    parts.addFirst(text.substring(0, end));
    return parts;
  }

  private static Object lines(String text) {
    Budget.current().allocate(text.length());
    return new ArrayList<Object>(text.lines().toList());
  }

  private static Object partition(String text, String separator) {
    requireSeparator(separator);
    int at = text.indexOf(separator);
    return at < 0
        ? Tuple.of(text, "", "")
        : Tuple.of(text.substring(0, at), separator, text.substring(at + separator.length()));
  }

  private static boolean any(Object candidates, java.util.function.Predicate<String> matches) {
    if (candidates instanceof Tuple several) {
      return several.items().stream().anyMatch(one -> one instanceof String text && matches.test(text));
    }
    if (candidates instanceof String text) {
      return matches.test(text);
    }
    throw JinjaException.runtime("first arg must be str or a tuple of str, not " + Values.typeName(candidates));
  }

  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.offsetByCodePoints(0, 1);
    return text.substring(0, first).toUpperCase(Locale.ROOT) + text.substring(first).toLowerCase(Locale.ROOT);
  }

  private static String title(String text) {
    StringBuilder out = new StringBuilder(text.length());
    boolean inWord = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      out.append(inWord ? Character.toLowerCase(c) : Character.toTitleCase(c));
      inWord = Character.isLetter(c);
    }
    return out.toString();
  }

  static String replace(String text, String old, String with, int count) {
    if (count == 0) {
      return text;
    }
    long occurrences = old.isEmpty() ? text.length() + 1L : count(text, old);
    long replaced = count < 0 ? occurrences : Math.min(count, occurrences);
    Budget.current().allocate(text.length() + replaced * Math.max(0, with.length() - old.length()));
    if (count < 0) {
      return text.replace(old, with);
    }
    String result = text;
    int from = 0;
    for (long i = 0; i < replaced; i++) {
      int at = result.indexOf(old, from);
      Budget.current().allocate(result.length());
      result = result.substring(0, at) + with + result.substring(at + old.length());
      from = at + with.length() + (old.isEmpty() ? 1 : 0);
    }
    return result;
  }

  private static long position(String text, int index) {
    return index < 0 ? -1 : text.codePointCount(0, index);
  }

  private static long count(String text, String part) {
    if (part.isEmpty()) {
      return text.codePointCount(0, text.length()) + 1L;
    }
    long count = 0;
    for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length())) {
      count++;
    }
    return count;
  }

  static String join(String separator, List<Object> items) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < items.size(); i++) {
      if (!(items.get(i) instanceof String text)) {
        throw JinjaException.runtime("sequence item %d: expected str instance, %s found".formatted(i,
            Values.typeName(items.get(i))));
      }
      Budget.current().allocate(separator.length() + text.length());
      out.append(i == 0 ? "" : separator).append(text);
    }
    return out.toString();
  }

  private static boolean all(String text, IntPredicate test) {
    return !text.isEmpty() && text.codePoints().allMatch(test);
  }
}
