package io.expertmesh.simulator.plot;

import java.util.ArrayList;
import java.util.Formatter;
import java.util.List;
import java.util.Locale;

/** A chart of lines as SVG text, readable on light and dark pages. */
public final class LineChart {
  private static final int WIDTH = 720;
  private static final int HEIGHT = 400;
  private static final int LEFT = 78;
  private static final int RIGHT = 20;
  private static final int TOP = 46;
  private static final int BOTTOM = 56;
  private static final int TICKS = 6;
  private static final int LEGEND_STEP = 18;
  /** Okabe and Ito's colours, which colour-blind people can tell apart. */
  private static final String[] COLOURS = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"};

  private record Line(String name, double[] x, double[] y, boolean steps) {}

  private final String title;
  private final String xLabel;
  private final String yLabel;
  private final boolean logX;
  private final List<Line> lines = new ArrayList<>();

  /** @param logX whether the horizontal axis has powers of two */
  public LineChart(String title, String xLabel, String yLabel, boolean logX) {
    this.title = title;
    this.xLabel = xLabel;
    this.yLabel = yLabel;
    this.logX = logX;
  }

  /** Adds a line through points, of which only finite ones are drawn. */
  public LineChart line(String name, double[] x, double[] y) {
    lines.add(new Line(name, x.clone(), y.clone(), false));
    return this;
  }

  /** Adds a line that keeps each value until the next point. */
  public LineChart steps(String name, double[] x, double[] y) {
    lines.add(new Line(name, x.clone(), y.clone(), true));
    return this;
  }

  /** The picture; its vertical axis begins at 0. */
  public String svg() {
    double leastX = Double.POSITIVE_INFINITY;
    double mostX = Double.NEGATIVE_INFINITY;
    double mostY = 0;
    for (Line line : lines) {
      for (int i = 0; i < line.x.length; i++) {
        if (Double.isFinite(line.y[i])) {
          leastX = Math.min(leastX, along(line.x[i]));
          mostX = Math.max(mostX, along(line.x[i]));
          mostY = Math.max(mostY, line.y[i]);
        }
      }
    }
    double stepY = tick(mostY);
    int top = TOP + lines.size() * LEGEND_STEP;
    double topY = Math.max(stepY, stepY * Math.ceil(mostY / stepY - 1e-9));
    Formatter svg = new Formatter(new StringBuilder(), Locale.ROOT);
    svg.format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\" "
        + "font-family=\"system-ui, sans-serif\" font-size=\"13\">\n", WIDTH, HEIGHT, escape(title));
    svg.format("<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n");
    text(svg, LEFT, 24, "start", title, " font-weight=\"bold\" font-size=\"15\"");
    for (double y = 0; y <= topY + stepY / 2; y += stepY) {
      double at = HEIGHT - BOTTOM - y / topY * (HEIGHT - top - BOTTOM);
      svg.format("<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#dddddd\"/>\n", LEFT, WIDTH - RIGHT, at,
          at);
      text(svg, LEFT - 8, at + 4, "end", number(y), "");
    }
    ticksX(svg, leastX, mostX);
    text(svg, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 14, "middle", xLabel, "");
    text(svg, 0, 0, "middle", yLabel,
        " transform=\"translate(18 %d) rotate(-90)\"".formatted((top + HEIGHT - BOTTOM) / 2));
    for (int i = 0; i < lines.size(); i++) {
      svg.format("<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s points=\"%s\"/>\n",
          COLOURS[i % COLOURS.length], dashes(i), points(lines.get(i), leastX, mostX, top, topY));
    }
    legend(svg);
    return svg.format("</svg>\n").toString();
  }

  private double along(double x) {
    return logX ? Math.log(x) / Math.log(2) : x;
  }

  private static double place(double along, double least, double most) {
    return LEFT + (most > least ? (along - least) / (most - least) : 0.5) * (WIDTH - LEFT - RIGHT);
  }

  private void ticksX(Formatter svg, double least, double most) {
    double step = logX ? Math.max(1, Math.ceil((most - least) / (2 * TICKS))) : tick(most - least);
    // A zero is added since what rounds up to none may be -0.
    for (double x = Math.ceil(least / step - 1e-9) * step + 0.0; x <= most + step * 1e-6; x += step) {
      double at = place(x, least, most);
      svg.format("<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"#333333\"/>\n", at, at, HEIGHT - BOTTOM,
          HEIGHT - BOTTOM + 5);
      text(svg, at, HEIGHT - BOTTOM + 20, "middle", number(logX ? Math.pow(2, x) : x), "");
    }
    svg.format("<line x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\" stroke=\"#333333\"/>\n", LEFT, WIDTH - RIGHT,
        HEIGHT - BOTTOM, HEIGHT - BOTTOM);
  }

  private String points(Line line, double least, double most, int top, double topY) {
    Formatter points = new Formatter(new StringBuilder(), Locale.ROOT);
    double before = Double.NaN;
    for (int i = 0; i < line.x.length; i++) {
      if (Double.isFinite(line.y[i])) {
        double x = place(along(line.x[i]), least, most);
        double y = HEIGHT - BOTTOM - line.y[i] / topY * (HEIGHT - top - BOTTOM);
        if (line.steps && !Double.isNaN(before)) {
          points.format("%.1f,%.1f ", x, before);
        }
        points.format("%.1f,%.1f ", x, y);
        before = y;
      }
    }
    return points.toString().strip();
  }

  private void legend(Formatter svg) {
    for (int i = 0; i < lines.size(); i++) {
      int y = TOP + i * LEGEND_STEP;
      svg.format("<line x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\" stroke=\"%s\" stroke-width=\"3\"%s/>\n", LEFT + 12,
          LEFT + 40, y, y, COLOURS[i % COLOURS.length], dashes(i));
      text(svg, LEFT + 46, y + 4, "start", lines.get(i).name, "");
    }
  }

  private static String dashes(int line) {
    return line == 0 ? "" : " stroke-dasharray=\"%d %d\"".formatted(12 - 3 * (line % 4), line % 4 + 1);
  }

  private static void text(Formatter svg, double x, double y, String anchor, String text, String more) {
    svg.format("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"#222222\"%s>%s</text>\n", x, y, anchor, more,
        escape(text));
  }

  private static double tick(double range) {
    if (!(range > 0)) {
      return 1;
    }
    double rough = range / TICKS;
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double part = rough / power;
    return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
  }

  private static String number(double value) {
    double size = Math.abs(value);
    if (size >= 1e5) {
      return String.format(Locale.ROOT, "%.3gM", value / 1e6);
    }
    String text = String.format(Locale.ROOT, size >= 100 || value == 0 ? "%.0f" : size >= 1 ? "%.2f" : "%.4f", value);
    return text.contains(".") ? text.replaceAll("0+$", "").replaceAll("\\.$", "") : text;
  }

  static String escape(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
  }
}
