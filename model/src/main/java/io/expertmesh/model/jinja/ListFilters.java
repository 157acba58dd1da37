package io.expertmesh.model.jinja;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/** Filters on sequences. Where Jinja2 gives a generator these give a list. */
final class ListFilters {
  private static final Set<String> NAMES = Set.of("batch", "dictsort", "first", "groupby", "items", "join", "last",
      "list", "map", "max", "min", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "sum", "unique");

  private ListFilters() {}

  static boolean exists(String name) {
    return NAMES.contains(name);
  }

  static Object apply(String name, Object value, CallArguments arguments) {
    if (name.equals("items")) {
      return Filters.entries(value);
    }
    if (name.equals("dictsort")) {
      return dictSort(value, arguments);
    }
    List<Object> items = Values.items(value);
    Budget.current().allocateItems(items.size());
    return switch (name) {
      case "list" -> new ArrayList<>(items);
      case "first" -> items.isEmpty() ? new Undefined("No first item, sequence was empty.") : items.getFirst();
      case "last" -> items.isEmpty() ? new Undefined("No last item, sequence was empty.") : items.getLast();
      case "join" -> join(items, arguments);
      case "reverse" -> value instanceof String text
          ? new StringBuilder(text).reverse().toString()
          : new ArrayList<>(items.reversed());
      case "map" -> map(items, arguments);
      case "select" -> chosen(items, test(arguments));
      case "reject" -> chosen(items, test(arguments).negate());
      case "selectattr" -> chosen(items, attributeTest(arguments));
      case "rejectattr" -> chosen(items, attributeTest(arguments).negate());
      case "sort" -> sort(items, arguments);
      case "unique" -> unique(items, arguments);
      case "sum" -> sum(items, arguments);
      case "min" -> extreme(items, arguments, ordered(arguments, 0));
      case "max" -> extreme(items, arguments, ordered(arguments, 0).reversed());
      case "groupby" -> groups(items, arguments);
      case "batch" -> batches(items, arguments);
      default -> throw JinjaException.runtime("No filter named '%s'.".formatted(name));
    };
  }

  private static Object join(List<Object> items, CallArguments arguments) {
    Object attribute = arguments.get(1, "attribute", None.NONE);
    List<Object> texts = new ArrayList<>(items.size());
    for (Object item : items) {
      texts.add(Values.text(Filters.byAttribute(item, attribute)));
    }
    return StringMethods.join(Values.text(arguments.get(0, "d", "")), texts);
  }

  private static Object map(List<Object> items, CallArguments arguments) {
    List<Object> mapped = new ArrayList<>(items.size());
    Object attribute = arguments.named().get("attribute");
    for (Object item : items) {
      if (attribute == null) {
        mapped.add(Filters.apply(arguments.text(0, "filter"), item, arguments.from(1)));
      } else {
        Object value = Filters.byAttribute(item, attribute);
        Object otherwise = arguments.named().get("default");
        mapped.add(value instanceof Undefined && otherwise != null ? otherwise : value);
      }
    }
    return mapped;
  }

  private static Predicate<Object> test(CallArguments arguments) {
    if (arguments.positional().isEmpty()) {
      return Values::isTrue;
    }
    String name = arguments.text(0, "test");
    CallArguments rest = arguments.from(1);
    return item -> Tests.holds(name, item, rest);
  }

  private static Predicate<Object> attributeTest(CallArguments arguments) {
    Object attribute = arguments.require(0, "attribute");
    Predicate<Object> test = test(arguments.from(1));
    return item -> test.test(Filters.byAttribute(item, attribute));
  }

  private static Object chosen(List<Object> items, Predicate<Object> wanted) {
    List<Object> chosen = new ArrayList<>();
    for (Object item : items) {
      Budget.current().step();
      if (wanted.test(item)) {
        chosen.add(item);
      }
    }
    return chosen;
  }

  /** Order of the items themselves, capitals and small letters alike unless {@code case_sensitive}. */
  private static Comparator<Object> ordered(CallArguments arguments, int caseSensitiveIndex) {
    boolean caseSensitive = Values.isTrue(arguments.get(caseSensitiveIndex, "case_sensitive", false));
    return (a, b) -> {
      Budget.current().step();
      return Values.compare(folded(a, caseSensitive), folded(b, caseSensitive), "<");
    };
  }

  private static Object folded(Object value, boolean caseSensitive) {
    return value instanceof String text && !caseSensitive ? text.toLowerCase(Locale.ROOT) : value;
  }

  private static Object sort(List<Object> items, CallArguments arguments) {
    Object attribute = arguments.get(2, "attribute", None.NONE);
    Comparator<Object> order = ordered(arguments, 1);
    Comparator<Object> byAttribute = (a, b) -> order.compare(Filters.byAttribute(a, attribute),
        Filters.byAttribute(b, attribute));
    List<Object> sorted = new ArrayList<>(items);
    sorted.sort(Values.isTrue(arguments.get(0, "reverse", false)) ? byAttribute.reversed() : byAttribute);
    return sorted;
  }

  private static Object dictSort(Object value, CallArguments arguments) {
    int by = arguments.get(1, "by", "key").equals("value") ? 1 : 0;
    Comparator<Object> order = ordered(arguments, 0);
    List<Object> entries = Filters.entries(value);
    entries.sort((a, b) -> order.compare(((Tuple) a).items().get(by), ((Tuple) b).items().get(by)));
    return Values.isTrue(arguments.get(2, "reverse", false)) ? new ArrayList<>(entries.reversed()) : entries;
  }

  private static Object unique(List<Object> items, CallArguments arguments) {
    boolean caseSensitive = Values.isTrue(arguments.get(0, "case_sensitive", false));
    Object attribute = arguments.get(1, "attribute", None.NONE);
    Map<Object, Object> first = new LinkedHashMap<>();
    for (Object item : items) {
      first.putIfAbsent(folded(Filters.byAttribute(item, attribute), caseSensitive), item);
    }
    return new ArrayList<>(first.values());
  }

  private static Object sum(List<Object> items, CallArguments arguments) {
    Object attribute = arguments.get(0, "attribute", None.NONE);
    Object total = arguments.get(1, "start", 0L);
    for (Object item : items) {
      total = Evaluator.add(total, Filters.byAttribute(item, attribute));
    }
    return total;
  }

  private static Object extreme(List<Object> items, CallArguments arguments, Comparator<Object> order) {
    Object attribute = arguments.get(1, "attribute", None.NONE);
    return items.stream().min((a, b) -> order.compare(Filters.byAttribute(a, attribute),
        Filters.byAttribute(b, attribute))).orElse(new Undefined("No aggregated item, sequence was empty."));
  }

  private static Object groups(List<Object> items, CallArguments arguments) {
    Object attribute = arguments.require(0, "attribute");
    List<Object> sorted = new ArrayList<>(items);
    Comparator<Object> order = ordered(arguments, 2);
    sorted.sort((a, b) -> order.compare(Filters.byAttribute(a, attribute), Filters.byAttribute(b, attribute)));
    Map<Object, List<Object>> groups = new LinkedHashMap<>();
    for (Object item : sorted) {
      groups.computeIfAbsent(Filters.byAttribute(item, attribute), key -> new ArrayList<>()).add(item);
    }
    List<Object> pairs = new ArrayList<>();
    groups.forEach((key, members) -> pairs.add(Tuple.of(key, members)));
    return pairs;
  }

  private static Object batches(List<Object> items, CallArguments arguments) {
    int size = Math.max(1, arguments.integer(0, "linecount", 1));
    List<Object> batches = new ArrayList<>();
    for (int from = 0; from < items.size(); from += size) {
      batches.add(new ArrayList<>(items.subList(from, Math.min(items.size(), from + size))));
    }
    return batches;
  }
}
