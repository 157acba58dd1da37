package io.expertmesh.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class ExpertMeshCommandTest {
  @Test
  void helpNamesCommandsAndExamples() {
    CommandLineRun run = CommandLineRun.of("--help");
    assertThat(run.exitCode()).isZero();
    assertThat(run.out()).contains("Commands:", "generate-completion", "Examples:").doesNotContain("\u001b");
    assertThat(run.err()).isEmpty();
  }

  @Test
  void versionNamesTheJava() {
    CommandLineRun run = CommandLineRun.of("--version");
    assertThat(run.exitCode()).isZero();
    assertThat(run.out()).startsWith("expertmesh ").contains("Java 2");
  }

  @Test
  void withoutCommandTheUsageGoesToStandardError() {
    CommandLineRun run = CommandLineRun.of();
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).startsWith("Usage: expertmesh");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
          "brew",
          "--colour",
          "complete --temprature 0 Hello",
          "complete --temperature warm Hello",
          "complete --numerics sloppy Hello",
          "complete one two",
          "bench --repeat many",
          "serve --port"})
  void wrongCommandLinesAreToldInOneLine(String arguments) {
    CommandLineRun run = CommandLineRun.of(arguments.split(" "));
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.err().lines()).singleElement().asString().startsWith("expertmesh: ").contains("--help'");
  }

  @Test
  void completionIsAScript() {
    assertThat(CommandLineRun.of("generate-completion").out()).startsWith("#!/usr/bin/env bash").contains("expertmesh");
  }

  @Test
  void aUsersFailureIsOneLineAndExitCodeTwo() {
    String report = report(2, false, new FailureException(FailureCategory.NOT_FOUND, "models/x: no such folder"));
    assertThat(report.lines()).containsExactly("expertmesh: models/x: no such folder");
  }

  @Test
  void aMissingFileIsOneLineAndExitCodeTwo() {
    String report = report(2, false, new UncheckedIOException(new NoSuchFileException("models/x")));
    assertThat(report.lines()).containsExactly("expertmesh: models/x: no such file or folder");
  }

  @Test
  void aDefectIsExitCodeOneAndItsTraceIsShownOnlyForDebug() {
    RuntimeException defect = new IllegalStateException("page 7 is held twice");
    assertThat(report(1, false, defect).lines()).singleElement().asString()
        .contains("internal error: IllegalStateException: page 7 is held twice", "--debug");
    assertThat(report(1, true, defect)).contains("\tat io.expertmesh.cli.");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anInternalFailureIsADefect(boolean debug) {
    assertThat(report(1, debug, new FailureException(FailureCategory.INTERNAL, "two heads"))).contains("two heads");
  }

  private static String report(int exitCode, boolean debug, Exception failure) {
    StringWriter err = new StringWriter();
    CommandLine commandLine = ExpertMeshCommand.commandLine();
    commandLine.setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF));
    commandLine.setErr(new PrintWriter(err));
    var parsed = commandLine.parseArgs();
    assertThat(new FailureReport(() -> debug).handleExecutionException(failure, commandLine, parsed))
        .isEqualTo(exitCode);
    return err.toString();
  }
}
