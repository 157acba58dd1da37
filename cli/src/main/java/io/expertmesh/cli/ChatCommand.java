package io.expertmesh.cli;

import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.model.failure.FailureException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** A conversation in the terminal; lines of standard input where that is not a terminal. */
@Command(
    name = "chat",
    description = "Talks with a model. Ctrl-C stops an answer; /help lists the commands.",
    footer = {
        "",
        "Examples:",
        "  expertmesh chat",
        "  echo 'What is 17 + 25?' | expertmesh chat --temperature 0"})
final class ChatCommand implements Callable<Integer> {
  /** Whether a person sits at both ends; set by the launcher. */
  private static final boolean INTERACTIVE = Boolean.getBoolean("expertmesh.interactive");

  @Mixin
  private ModelOptions model = new ModelOptions();

  @Mixin
  private SamplingOptions sampling = new SamplingOptions();

  @Option(names = "--system", paramLabel = "TEXT", description = "The system message.")
  private String system = "";

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    try (EmbeddedModel opened = model.open()) {
      if (INTERACTIVE) {
        converse(opened);
      } else {
        answerLines(opened);
      }
    }
    return 0;
  }

  /** One question a line; the first failure ends it. */
  private void answerLines(EmbeddedModel opened) throws IOException, InterruptedException {
    ChatSession session = new ChatSession(opened.served(), sampling, spec.commandLine().getOut(), () -> false);
    session.system(system);
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    String line = lines.readLine();
    while (line != null && session.take(line)) {
      line = lines.readLine();
    }
  }

  private void converse(EmbeddedModel opened) throws IOException, InterruptedException {
    AtomicBoolean cancelled = new AtomicBoolean();
    try (Terminal terminal = TerminalBuilder.terminal()) {
      PrintWriter out = terminal.writer();
      ChatSession session = new ChatSession(opened.served(), sampling, out, cancelled::get);
      session.system(system);
      LineReader reader = LineReaderBuilder.builder().terminal(terminal).build();
      terminal.handle(Terminal.Signal.INT, signal -> cancelled.set(true));
      out.println("%s, %s kernels. /help lists the commands, Ctrl-D leaves."
          .formatted(opened.served().name(), opened.kernels().name()));
      boolean goesOn = true;
      while (goesOn) {
        try {
          String line = reader.readLine("> ");
          cancelled.set(false);
          goesOn = session.take(line);
        } catch (UserInterruptException nothingToStop) {
          out.println("/exit or Ctrl-D leaves.");
        } catch (EndOfFileException end) {
          goesOn = false;
        } catch (FailureException failure) {
          out.println(failure.getMessage());
        }
      }
    }
  }
}
