package io.expertmesh.engine.text;

import java.util.List;

/**
 * Finds stop strings in text that arrives piece by piece. Text that might be the beginning of a stop string is held
 * back; the stop string and what follows it are never released. Not thread-safe.
 */
final class StopStrings {
  private final List<String> stops;
  private final StringBuilder held = new StringBuilder();
  private boolean reached;

  StopStrings(List<String> stops) {
    this.stops = List.copyOf(stops);
  }

  /** The text that is certain to be part of the answer now that {@code text} has arrived. */
  String append(String text) {
    if (reached || text.isEmpty()) {
      return "";
    }
    held.append(text);
    int stop = firstStop();
    if (stop >= 0) {
      reached = true;
      return held.substring(0, stop);
    }
    return release(held.length() - possibleBeginning());
  }

  /** What is still held back when no more text will come. */
  String flush() {
    return reached ? "" : release(held.length());
  }

  /** Whether a stop string has arrived. */
  boolean reached() {
    return reached;
  }

  private int firstStop() {
    int first = -1;
    for (String stop : stops) {
      int at = held.indexOf(stop);
      if (at >= 0 && (first < 0 || at < first)) {
        first = at;
      }
    }
    return first;
  }

  /** The length of the longest end of the held text that a stop string could begin with. */
  private int possibleBeginning() {
    int longest = 0;
    for (String stop : stops) {
      for (int length = Math.min(stop.length() - 1, held.length()); length > longest; length--) {
        if (stop.startsWith(held.substring(held.length() - length))) {
          longest = length;
        }
      }
    }
    return longest;
  }

  private String release(int length) {
    String text = held.substring(0, length);
    held.delete(0, length);
    return text;
  }
}
