package io.expertmesh.cli;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.failure.IoReason;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** Says what went wrong: one line and exit code 2 for what a user can mend, exit code 1 for a defect. */
final class FailureReport implements IParameterExceptionHandler, IExecutionExceptionHandler {
  static final int DEFECT = 1;
  static final int USER_ERROR = 2;

  private final BooleanSupplier debug;

  FailureReport(BooleanSupplier debug) {
    this.debug = debug;
  }

  @Override
  public int handleParseException(ParameterException failure, String[] arguments) {
    CommandLine command = failure.getCommandLine();
    String name = command.getCommandSpec().qualifiedName();
    return report(command, failure, stop(firstLine(failure)) + " See '" + name + " --help'.", USER_ERROR);
  }

  @Override
  public int handleExecutionException(Exception failure, CommandLine command, ParseResult parsed) {
    return switch (failure) {
      case FailureException ours when ours.category() != FailureCategory.INTERNAL ->
        report(command, ours, firstLine(ours), USER_ERROR);
      case UncheckedIOException wrapped -> report(command, wrapped, describe(wrapped.getCause()), USER_ERROR);
      case IOException io -> report(command, io, describe(io), USER_ERROR);
      default -> report(command, failure, stop("internal error: " + describeDefect(failure))
          + (debug.getAsBoolean() ? "" : " Run it again with --debug for the details, and please report them."),
          DEFECT);
    };
  }

  private int report(CommandLine command, Exception failure, String message, int exitCode) {
    var error = command.getErr();
    error.println(command.getColorScheme().errorText("expertmesh: " + message));
    if (debug.getAsBoolean()) {
      failure.printStackTrace(error);
    }
    error.flush();
    return exitCode;
  }

  private static String describe(@Nullable IOException failure) {
    return switch (failure) {
      case null -> "input or output failed";
      case FileSystemException atFile when atFile.getFile() != null ->
        atFile.getFile() + ": " + IoReason.of(atFile).lines().findFirst().orElse("");
      default -> IoReason.of(failure).lines().findFirst().orElse("");
    };
  }

  private static String describeDefect(Exception failure) {
    String name = failure.getClass().getSimpleName();
    return failure.getMessage() == null ? name : name + ": " + firstLine(failure);
  }

  private static String firstLine(Exception failure) {
    String message = failure.getMessage();
    return message == null ? failure.getClass().getSimpleName() : message.lines().findFirst().orElse("");
  }

  private static String stop(String sentence) {
    return sentence.endsWith(".") ? sentence : sentence + ".";
  }
}
