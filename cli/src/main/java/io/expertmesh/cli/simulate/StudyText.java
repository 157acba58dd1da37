package io.expertmesh.cli.simulate;

import io.expertmesh.cli.simulate.StudyReport.Side;
import io.expertmesh.simulator.scaling.Timeline;
import io.expertmesh.simulator.study.Comparison.Row;
import io.expertmesh.simulator.study.Scenario;
import io.expertmesh.simulator.study.Study;
import java.util.Formatter;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** A study as people read it. */
public final class StudyText {
  private static final int SHOWN_GROUPS = 16;

  private StudyText() {}

  public static String of(Study study) {
    Formatter out = new Formatter(new StringBuilder(), Locale.ROOT);
    Scenario scenario = study.scenario();
    StudyReport report = StudyReport.of(study);
    out.format("%s: %d layers of %d experts, %d for each token; routing %s%n", scenario.model().name(),
        scenario.model().moeLayers(), scenario.model().experts(), scenario.model().topK(), scenario.routing().name());
    out.format("%.1f to %.1f requests/s of %d + %d tokens over %.0f min; %d expert groups%n%n",
        study.groups().points().stream().mapToDouble(Timeline.Point::offered).min().orElse(0),
        study.groups().points().stream().mapToDouble(Timeline.Point::offered).max().orElse(0),
        scenario.workload().promptTokens(), scenario.workload().generatedTokens(), scenario.load().seconds() / 60,
        scenario.groups().count());
    sides(out, report.mesh(), report.wholeWorkers());
    groups(out, report.groups());
    pays(out, "skew", study.comparison().bySkew());
    pays(out, "requests/s", study.comparison().byLoad());
    pays(out, "a GiB hour", study.comparison().byMemoryPrice());
    verdict(out, study);
    return out.toString();
  }

  private static void sides(Formatter out, Side mesh, Side workers) {
    out.format("%-34s %14s %14s%n", "", "expert groups", "whole workers");
    line(out, "ms per token, p50", mesh, workers, side -> side.timePerToken().p50Millis());
    line(out, "ms per token, p95", mesh, workers, side -> side.timePerToken().p95Millis());
    line(out, "ms per token, p99", mesh, workers, side -> side.timePerToken().p99Millis());
    line(out, "ms to first token, p50", mesh, workers, side -> side.timeToFirstToken().p50Millis());
    line(out, "ms to first token, p95", mesh, workers, side -> side.timeToFirstToken().p95Millis());
    line(out, "ms to first token, p99", mesh, workers, side -> side.timeToFirstToken().p99Millis());
    line(out, "s waiting for pods, at most", mesh, workers, Side::longestWaitForPods);
    line(out, "requests served, percent", mesh, workers, side -> 100 * side.served() / Math.max(1, side.requests()));
    line(out, "pods, at least", mesh, workers, Side::leastPods);
    line(out, "pods, at most", mesh, workers, Side::mostPods);
    line(out, "pod hours", mesh, workers, side -> side.podSeconds() / 3600);
    line(out, "core hours", mesh, workers, Side::coreHours);
    line(out, "GiB hours", mesh, workers, Side::gibHours);
    line(out, "cost", mesh, workers, Side::cost);
    line(out, "cost of a million answer tokens", mesh, workers, Side::perMillionTokens);
    out.format("%-34s %14.2f%n%n", "busiest group / mean, in busy time", mesh.imbalance());
  }

  private static void line(Formatter out, String what, Side mesh, Side workers, ToDoubleFunction<Side> value) {
    out.format("%-34s %14s %14s%n", what, number(value.applyAsDouble(mesh)), number(value.applyAsDouble(workers)));
  }

  private static String number(double value) {
    return String.format(Locale.ROOT,
        value >= 1000 || Math.rint(value) == value ? "%.0f" : value >= 0.995 ? "%.2f" : "%.4f",
        value);
  }

  private static void groups(Formatter out, List<StudyReport.Group> groups) {
    out.format("%-24s %10s %10s%n", "group", "replicas", "busy");
    for (StudyReport.Group group : groups.subList(0, Math.min(SHOWN_GROUPS, groups.size()))) {
      out.format("%-24s %10s %9.0f%%%n", group.experts(),
          group.leastReplicas() == group.mostReplicas()
              ? String.valueOf(group.mostReplicas())
              : group.leastReplicas() + " to " + group.mostReplicas(),
          100 * group.busy());
    }
    if (groups.size() > SHOWN_GROUPS) {
      out.format("and %d more%n", groups.size() - SHOWN_GROUPS);
    }
    out.format("%n");
  }

  private static void pays(Formatter out, String x, List<Row> rows) {
    out.format("%-10s %9s  %-29s %-29s %-20s%n", "", "busiest", "each group by itself", "all groups alike",
        "whole workers");
    out.format("%-10s %9s  %9s %9s %9s  %9s %9s %9s  %9s %9s %9s%n", x, "/ mean", "cost/1M", "GiB", "ms/token",
        "cost/1M",
        "GiB", "ms/token", "cost/1M", "GiB", "ms/token");
    for (Row row : rows) {
      out.format("%-10s %9.2f", number(row.x()), row.imbalance());
      for (var plan : List.of(row.groups(), row.equalGroups(), row.wholeWorkers())) {
        out.format("  %9s %9s %9s", number(plan.perMillionTokens()), number(plan.gib()),
            number(1e3 * plan.estimate().stepSeconds()));
      }
      out.format("%n");
    }
    out.format("%n");
  }

  private static void verdict(Formatter out, Study study) {
    double peak = study.scenario().load().peak();
    out.format("Groups that scale each by itself cost less than whole workers%n");
    out.format("  at %s requests/s, by skew:                %s%n", number(peak), where(study.comparison().bySkew()));
    out.format("  with this routing, by requests/s:        %s%n", where(study.comparison().byLoad()));
    out.format("  at %s requests/s, by price of a GiB hour: %s%n", number(peak),
        where(study.comparison().byMemoryPrice()));
  }

  private static String where(List<Row> rows) {
    List<String> paying = rows.stream().filter(Row::pays).map(row -> number(row.x())).toList();
    return paying.isEmpty()
        ? "nowhere"
        : paying.size() == rows.size()
            ? "everywhere"
            : String.join(", ", paying);
  }
}
