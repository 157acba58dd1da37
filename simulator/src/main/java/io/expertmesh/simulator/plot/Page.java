package io.expertmesh.simulator.plot;

/** One HTML page that needs nothing beside it. */
public final class Page {
  private static final String HEAD = """
      <!doctype html>
      <html lang="en"><head><meta charset="utf-8"><title>TITLE</title>
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <style>body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
      svg{width:100%;height:auto;margin:1rem 0}pre{overflow-x:auto;background:#f6f6f6;padding:1rem;font-size:.8rem}</style>
      </head><body><h1>TITLE</h1>
      """;

  private final StringBuilder html;

  public Page(String title) {
    html = new StringBuilder(HEAD.replace("TITLE", LineChart.escape(title)));
  }

  /** Text as it is, in a font of one width. */
  public Page text(String text) {
    html.append("<pre>").append(LineChart.escape(text)).append("</pre>\n");
    return this;
  }

  /** A picture. */
  public Page picture(String svg) {
    html.append(svg);
    return this;
  }

  public String html() {
    return html + "</body></html>\n";
  }
}
