package io.expertmesh.router.placement;

import io.expertmesh.model.failure.FailureException;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** Expert ids as people write them. */
public final class ExpertRanges {
  private static final Pattern RANGE = Pattern.compile("(\\d{1,4})(?:-(\\d{1,4}))?");

  private ExpertRanges() {}

  /**
   * The ids of a text such as {@code 0-7,16,40-43}, ascending.
   *
   * @param name what the text is the value of
   * @throws FailureException INVALID_REQUEST if it is no such text
   */
  public static List<Integer> parse(String name, String text) {
    TreeSet<Integer> ids = new TreeSet<>();
    for (String part : text.split(",", -1)) {
      Matcher range = RANGE.matcher(part.strip());
      if (!range.matches()) {
        throw FailureException.invalidParameter(name,
            "%s is '%s'; it must be expert ids and ranges such as 0-7 or 16,40-43.".formatted(name, text));
      }
      int first = Integer.parseInt(range.group(1));
      int last = range.group(2) == null ? first : Integer.parseInt(range.group(2));
      IntStream.rangeClosed(first, last).forEach(ids::add);
    }
    return List.copyOf(ids);
  }

  /**
   * Such as {@code 0-7,16,40-43}.
   *
   * @param ascending the ids
   */
  public static String of(Collection<Integer> ascending) {
    StringBuilder text = new StringBuilder();
    int first = -1;
    int last = -2;
    for (int id : ascending) {
      if (id != last + 1) {
        append(text, first, last);
        first = id;
      }
      last = id;
    }
    append(text, first, last);
    return text.toString();
  }

  private static void append(StringBuilder text, int first, int last) {
    if (first >= 0) {
      text.append(text.isEmpty() ? "" : ",").append(first);
      if (last > first) {
        text.append('-').append(last);
      }
    }
  }
}
