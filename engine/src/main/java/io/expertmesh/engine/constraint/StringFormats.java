package io.expertmesh.engine.constraint;

import io.expertmesh.engine.constraint.RegexParser.UnsupportedPatternException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The values of {@code format} that are enforced, each as a pattern that matches only strings of that format (not
 * always all of them: no leap seconds, years from 1000, host names of up to five
 * labels, mail in common top-level domains). JSON Schema makes other
 * values of {@code format} annotations, and so they are here.
 */
final class StringFormats {
  private static final String DAY = "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)"
      + "|02-(?:0[1-9]|1\\d|2[0-8]))";
  private static final String LEAP_YEAR = "(?:[1-9]\\d(?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00)";
  private static final String DATE = "(?:[1-9]\\d{3}-" + DAY + "|" + LEAP_YEAR + "-02-29)";
  private static final String TIME = "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?"
      + "(?:Z|\\+(?:0\\d|1[0-3]):[0-5]\\d|-(?:0[1-9]|1[0-3]):[0-5]\\d)";
  private static final String LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9]{0,14}|[a-zA-Z0-9]{0,12}-[a-zA-Z0-9])";
  /** Ends in a well-known top-level domain, since some validators look it up. */
  private static final String DOMAIN = LABEL + "(?:\\." + LABEL
      + "){0,3}\\.(?:com|org|net|edu|gov|mil|int|info|biz|name|pro"
      + "|museum|app|dev|tech|online|shop|site|store|xyz|cloud|blog|club|page|email|agency|digital|company|world|life|today"
      + "|co|io|ai|me|tv|cc|eu|ar|at|au|be|bg|br|ca|ch|cl|cn|cz|de|dk|ee|es|fi|fr|gr|hk|hr|hu|id|ie|il|in|is|it|jp|ke|kr|lt"
      + "|lu|lv|mx|my|ng|nl|no|nz|pe|ph|pl|pt|ro|rs|ru|sa|se|sg|si|sk|th|tr|tw|ua|uk|us|vn|za)";
  private static final String ATOM = "[a-zA-Z0-9_+-]{1,20}";
  private static final String BYTE = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
  private static final String GROUP = "[0-9a-fA-F]{1,4}";

  private static final Map<String, String> PATTERNS = Map.of(
      "date", DATE,
      "time", TIME,
      "date-time", DATE + "T" + TIME,
      "duration", "P(?:\\d{1,4}W|(?:\\d{1,4}Y(?:\\d{1,2}M(?:\\d{1,3}D)?)?|\\d{1,2}M(?:\\d{1,3}D)?|\\d{1,3}D)"
          + "(?:T\\d{1,2}H(?:\\d{1,2}M(?:\\d{1,2}S)?)?|T\\d{1,2}M(?:\\d{1,2}S)?|T\\d{1,2}S)?"
          + "|T\\d{1,2}H(?:\\d{1,2}M(?:\\d{1,2}S)?)?|T\\d{1,2}M(?:\\d{1,2}S)?|T\\d{1,2}S)",
      "uuid", "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
      "email", ATOM + "(?:\\." + ATOM + "){0,2}@" + DOMAIN,
      "hostname", LABEL + "(?:\\." + LABEL + "){0,4}",
      "ipv4", BYTE + "(?:\\." + BYTE + "){3}",
      "ipv6", ipv6());

  private static final Map<String, Dfa> AUTOMATA = new ConcurrentHashMap<>();

  private StringFormats() {}

  private static String ipv6() {
    StringBuilder options = new StringBuilder("(?:" + GROUP + ":){7}" + GROUP);
    for (int before = 0; before <= 6; before++) {
      options.append('|');
      options.append(before == 0 ? "" : GROUP + "(?::" + GROUP + "){" + (before - 1) + "}");
      options.append("::");
      int after = 6 - before;
      options.append(after == 0 ? "" : "(?:" + GROUP + "(?::" + GROUP + "){0," + (after - 1) + "})?");
    }
    return options.toString();
  }

  /**
   * The strings of {@code format}, in canonical writing without quotes ({@link JsonText}); null for a format that is not
   * enforced.
   */
  static @Nullable Dfa automaton(String format) {
    String pattern = PATTERNS.get(format);
    return pattern == null ? null : AUTOMATA.computeIfAbsent(format, f -> compile(pattern));
  }

  private static Dfa compile(String pattern) {
    try {
      return Nfa.compile(RegexParser.parse("^(?:" + pattern + ")$"));
    } catch (UnsupportedPatternException e) {
      throw new AssertionError(e);
    }
  }
}
