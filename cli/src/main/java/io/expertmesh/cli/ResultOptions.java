package io.expertmesh.cli;

import java.io.PrintWriter;
import java.util.function.Consumer;
import java.util.function.Supplier;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How a command tells its result: on standard output, for people or as JSON; what it does meanwhile on the other stream. */
final class ResultOptions {
  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Spec(Spec.Target.MIXEE)
  @SuppressWarnings("NullAway.Init")
  private CommandSpec command;

  /** Whether programs read the result. */
  boolean json() {
    return json;
  }

  /**
   * Prints one of both.
   *
   * @param object one line of JSON
   * @param text what people read, line breaks included
   */
  void print(Supplier<String> object, Consumer<PrintWriter> text) {
    PrintWriter out = command.commandLine().getOut();
    if (json) {
      out.println(object.get());
    } else {
      text.accept(out);
    }
    out.flush();
  }

  /** A line that is no part of the result. */
  void log(String line) {
    PrintWriter err = command.commandLine().getErr();
    err.println(line);
    err.flush();
  }
}
