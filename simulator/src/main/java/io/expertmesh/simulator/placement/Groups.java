package io.expertmesh.simulator.placement;

import io.expertmesh.model.failure.FailureException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The experts of a model in groups: every id in exactly one. */
public final class Groups {
  private static final String OPTION = "--groups";
  private static final Pattern COUNT = Pattern.compile("\\d{1,5}");
  private static final Pattern RANGE = Pattern.compile("(\\d{1,5})(?:-(\\d{1,5}))?");

  private final int[] groupOf;
  private final int[][] members;

  private Groups(int[] groupOf, int count) {
    this.groupOf = groupOf;
    this.members = new int[count][];
    for (int group = 0; group < count; group++) {
      int wanted = group;
      members[group] = java.util.stream.IntStream.range(0, groupOf.length).filter(id -> groupOf[id] == wanted)
          .toArray();
    }
  }

  /** {@code count} contiguous groups of equal size, give or take one. */
  public static Groups equal(int experts, int count) {
    if (count < 1 || count > experts) {
      throw FailureException.invalidParameter(OPTION,
          "--groups is %d; the model's %d experts make 1 to %d groups".formatted(count, experts, experts));
    }
    int[] groupOf = new int[experts];
    for (int group = 0; group < count; group++) {
      Arrays.fill(groupOf, (int) ((long) experts * group / count), (int) ((long) experts * (group + 1) / count), group);
    }
    return new Groups(groupOf, count);
  }

  /**
   * Reads a number of equal groups, such as {@code 8}, or their ids, such as {@code 0,5,9;1-4,6-8,10-15}.
   *
   * @throws FailureException INVALID_REQUEST if an expert is in two groups or in none
   */
  public static Groups parse(String text, int experts) {
    if (COUNT.matcher(text).matches()) {
      return equal(experts, Integer.parseInt(text));
    }
    int[] groupOf = new int[experts];
    Arrays.fill(groupOf, -1);
    String[] groups = text.split(";", -1);
    for (int group = 0; group < groups.length; group++) {
      for (String part : groups[group].split(",", -1)) {
        add(part.strip(), group, groupOf, text);
      }
    }
    List<Integer> missing = new ArrayList<>();
    for (int id = 0; id < experts; id++) {
      if (groupOf[id] < 0) {
        missing.add(id);
      }
    }
    if (!missing.isEmpty()) {
      throw wrong("expert %d is in no group%s".formatted(missing.getFirst(),
          missing.size() == 1 ? "" : ", and so are %d more".formatted(missing.size() - 1)));
    }
    return new Groups(groupOf, groups.length);
  }

  private static void add(String part, int group, int[] groupOf, String text) {
    Matcher range = RANGE.matcher(part);
    if (!range.matches()) {
      throw wrong(
          "'%s' is neither a number of groups nor expert ids such as 0-7;8,9,12-15;10,11".formatted(text));
    }
    int first = Integer.parseInt(range.group(1));
    int last = range.group(2) == null ? first : Integer.parseInt(range.group(2));
    if (last < first) {
      throw wrong("'%s' counts down".formatted(part));
    }
    if (last >= groupOf.length) {
      throw wrong("there is no expert %d; the model has 0 to %d".formatted(last, groupOf.length - 1));
    }
    for (int id = first; id <= last; id++) {
      if (groupOf[id] >= 0) {
        throw wrong(groupOf[id] == group
            ? "expert %d is named twice in a group".formatted(id)
            : "expert %d is in two groups".formatted(id));
      }
      groupOf[id] = group;
    }
  }

  private static FailureException wrong(String what) {
    return FailureException.invalidParameter(OPTION, OPTION + ": " + what);
  }

  public int count() {
    return members.length;
  }

  public int experts() {
    return groupOf.length;
  }

  /** The group that {@code expert} is in. */
  public int of(int expert) {
    return groupOf[expert];
  }

  /** Ids in {@code group}. */
  public int size(int group) {
    return members[group].length;
  }

  /** Ids in the group that has the most. */
  public int largest() {
    int largest = 0;
    for (int[] ids : members) {
      largest = Math.max(largest, ids.length);
    }
    return largest;
  }

  /** The ids of {@code group}, ascending. */
  public int[] members(int group) {
    return members[group].clone();
  }

  /** Ids as people write them, such as {@code 0-3,7}. */
  public String label(int group) {
    StringBuilder text = new StringBuilder();
    int[] ids = members[group];
    for (int i = 0; i < ids.length; i++) {
      int last = i;
      while (last + 1 < ids.length && ids[last + 1] == ids[last] + 1) {
        last++;
      }
      text.append(text.isEmpty() ? "" : ",").append(ids[i]);
      if (last > i) {
        text.append('-').append(ids[last]);
      }
      i = last;
    }
    return text.toString();
  }
}
