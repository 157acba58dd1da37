package io.expertmesh.cli.simulate;

import io.expertmesh.simulator.plot.LineChart;
import io.expertmesh.simulator.plot.Page;
import io.expertmesh.simulator.scaling.Planner;
import io.expertmesh.simulator.scaling.Timeline;
import io.expertmesh.simulator.study.Comparison.Row;
import io.expertmesh.simulator.study.Moment;
import io.expertmesh.simulator.study.Study;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** The pictures of a study. */
public final class StudyPlots {
  private static final String GROUPS = "expert groups, each by itself";
  private static final String ALIKE = "expert groups, all alike";
  private static final String WORKERS = "whole workers";
  private static final double HOUR = 3600;
  private static final int MOST_POINTS = 240;

  private StudyPlots() {}

  /** Writes SVG files, a page with all of them, and the numbers into {@code folder}. */
  public static void write(Study study, String text, StudyReport report, Path folder) throws IOException {
    Files.createDirectories(folder);
    Page page = new Page("expertmesh simulate").text(text);
    for (Map.Entry<String, LineChart> chart : charts(study).entrySet()) {
      String svg = chart.getValue().svg();
      Files.writeString(folder.resolve(chart.getKey() + ".svg"), svg);
      page.picture(svg);
    }
    Files.writeString(folder.resolve("index.html"), page.html());
    Files.writeString(folder.resolve("simulation.json"), SimulationJson.FILE.writeValueAsString(report) + "\n");
  }

  static Map<String, LineChart> charts(Study study) {
    Map<String, LineChart> charts = new LinkedHashMap<>();
    List<Row> bySkew = study.comparison().bySkew();
    List<Row> byLoad = study.comparison().byLoad();
    String skew = "skew: exponent of Zipf's law, the same order in all layers";
    String load = "requests/s (logarithmic)";
    charts.put("cost-by-skew", compared("Cost by skew", skew, "cost of 1M answer tokens", false, bySkew,
        Planner.Plan::perMillionTokens));
    charts.put("memory-by-skew", compared("Memory by skew", skew, "GiB", false, bySkew, Planner.Plan::gib));
    charts.put("cost-by-load", compared("Cost by load", load, "cost of 1M answer tokens", true, byLoad,
        Planner.Plan::perMillionTokens));
    charts.put("cost-by-memory-price", compared("Cost by price of memory", "price of a GiB for an hour (logarithmic)",
        "cost of 1M answer tokens", true, study.comparison().byMemoryPrice(), Planner.Plan::perMillionTokens));
    charts.put("latency-by-load", compared("Time per token by load", load, "ms", true, byLoad,
        plan -> 1e3 * plan.estimate().stepSeconds()));
    if (study.groupMoments().size() > 1) {
      charts.put("load",
          overTime("Load, and what is served of it", "requests/s", study, Timeline.Point::offered, "offered",
              Timeline.Point::served));
      charts.put("pods", overTime("Pods", "pods", study, Timeline.Point::pods, null, Timeline.Point::pods));
      charts.put("cost", overTime("Cost", "cost an hour", study, Timeline.Point::perHour, null,
          Timeline.Point::perHour));
      charts.put("latency", latency(study));
    }
    charts.put("groups", groups(study));
    return charts;
  }

  private static LineChart compared(String title, String x, String y, boolean logarithmic, List<Row> rows,
      ToDoubleFunction<Planner.Plan> value) {
    double[] at = rows.stream().mapToDouble(Row::x).toArray();
    LineChart chart = new LineChart(title, x, y, logarithmic);
    Map<String, Function<Row, Planner.Plan>> lines = new LinkedHashMap<>();
    lines.put(GROUPS, Row::groups);
    lines.put(ALIKE, Row::equalGroups);
    lines.put(WORKERS, Row::wholeWorkers);
    lines.forEach((name, plan) -> chart.line(name, at,
        rows.stream().mapToDouble(row -> value.applyAsDouble(plan.apply(row))).toArray()));
    return chart;
  }

  /** @param first name of a line of {@code ofGroups} alone; null for one line for groups and one for workers */
  private static LineChart overTime(String title, String y, Study study, ToDoubleFunction<Timeline.Point> ofGroups,
      @Nullable String first, ToDoubleFunction<Timeline.Point> ofBoth) {
    LineChart chart = new LineChart(title, "hours", y, false);
    List<Timeline.Point> groups = thinned(study.groups().points());
    double[] hours = groups.stream().mapToDouble(point -> point.time() / HOUR).toArray();
    if (first != null) {
      chart.steps(first, hours, groups.stream().mapToDouble(ofGroups).toArray());
    }
    chart.steps(GROUPS, hours, groups.stream().mapToDouble(ofBoth).toArray());
    chart.steps(WORKERS, hours, thinned(study.workers().points()).stream().mapToDouble(ofBoth).toArray());
    return chart;
  }

  /** Not more points than can be seen. */
  private static List<Timeline.Point> thinned(List<Timeline.Point> points) {
    int step = Math.ceilDiv(points.size(), MOST_POINTS);
    return IntStream.range(0, points.size()).filter(i -> i % step == 0).mapToObj(points::get).toList();
  }

  private static LineChart latency(Study study) {
    LineChart chart = new LineChart("Time per token", "hours", "ms", false);
    for (boolean whole : new boolean[]{false, true}) {
      List<Moment> moments = whole ? study.workerMoments() : study.groupMoments();
      double[] hours = moments.stream().mapToDouble(moment -> moment.time() / HOUR).toArray();
      for (double quantile : new double[]{0.5, 0.99}) {
        chart.line((whole ? WORKERS : "expert groups") + ", p" + Math.round(100 * quantile), hours, moments.stream()
            .mapToDouble(moment -> 1e3 * moment.outcome().timePerToken().quantile(quantile)).toArray());
      }
    }
    return chart;
  }

  private static LineChart groups(Study study) {
    Moment last = study.groupMoments().getLast();
    double[] busy = last.outcome().groupBusy();
    // The last step needs an end, or nobody sees it.
    double[] number = new double[busy.length + 1];
    double[] percent = new double[busy.length + 1];
    for (int group = 0; group < number.length; group++) {
      number[group] = group;
      percent[group] = 100 * busy[Math.min(group, busy.length - 1)];
    }
    return new LineChart("How busy a replica of each group is", "group", "percent of its time", false)
        .steps("at the last moment that was simulated", number, percent);
  }
}
