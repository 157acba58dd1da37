package io.expertmesh.expert;

import io.expertmesh.model.failure.FailureException;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** Which experts a process holds. */
public sealed interface ExpertIds {
  /** Every expert of the model. */
  record All() implements ExpertIds {}

  /** What the router assigns. */
  record Auto() implements ExpertIds {}

  /**
   * These.
   *
   * @param ids ascending
   */
  record Fixed(List<Integer> ids) implements ExpertIds {
    public Fixed {
      ids = List.copyOf(new TreeSet<>(ids));
    }
  }

  /**
   * Reads {@code all}, {@code auto}, or ids and ranges such as {@code 16,40-43}.
   *
   * @throws FailureException INVALID_REQUEST if it is something else
   */
  static ExpertIds parse(String text) {
    return switch (text) {
      case "all" -> new All();
      case "auto" -> new Auto();
      default -> {
        TreeSet<Integer> ids = new TreeSet<>();
        for (String part : text.split(",", -1)) {
          Matcher range = Part.PATTERN.matcher(part.strip());
          if (!range.matches()) {
            throw invalid(text, "'%s' is neither an id nor a range such as 0-7".formatted(part));
          }
          int from = Integer.parseInt(range.group(1));
          int to = range.group(2) == null ? from : Integer.parseInt(range.group(2));
          if (to < from) {
            throw invalid(text, "the range %s ends before it begins".formatted(part));
          }
          IntStream.rangeClosed(from, to).forEach(ids::add);
        }
        yield new Fixed(List.copyOf(ids));
      }
    };
  }

  private static FailureException invalid(String text, String problem) {
    return FailureException.invalidParameter("--experts",
        "--experts is '%s': %s; it may be ids and ranges such as 0-7 or 16,40-43, or all, or auto"
            .formatted(text, problem));
  }

  /** An id, or a range of them. */
  final class Part {
    private static final Pattern PATTERN = Pattern.compile("(\\d{1,5})(?:-(\\d{1,5}))?");

    private Part() {}
  }

  /**
   * The ids to begin with, in a model with {@code experts} experts.
   *
   * @throws FailureException INVALID_REQUEST if there are no such experts
   */
  default List<Integer> initially(int experts) {
    return switch (this) {
      case All() -> IntStream.range(0, experts).boxed().toList();
      case Auto() -> List.of();
      case Fixed(List<Integer> ids) -> {
        if (ids.isEmpty() || ids.getLast() >= experts) {
          throw FailureException.invalidParameter("--experts", "there is no expert %s; the model has %d, 0 to %d"
              .formatted(ids.isEmpty() ? "" : ids.getLast(), experts, experts - 1));
        }
        yield ids;
      }
    };
  }
}
