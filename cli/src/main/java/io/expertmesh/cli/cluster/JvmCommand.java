package io.expertmesh.cli.cluster;

import io.expertmesh.model.failure.FailureException;
import java.io.File;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;

/** How this process was started, so that another of the same program can be. */
final class JvmCommand {
  /**
   * Weights are mapped and not on the heap; most of what is, are messages, which live for milliseconds. The parent's own
   * options come later and win.
   */
  private static final List<String> MOSTLY_MAPPED = List.of("-XX:+UseSerialGC", "-Xms80m", "-Xmn64m", "-Xmx1g");

  /**
   * The compilers of all processes share this machine's cores with those that serve, most of all after a restart.
   * Network code in smaller pieces takes them less time and is as quick. The depth of inlining stays as it is: the
   * kernels need it.
   */
  private static final List<String> SHARED_CORES = List.of("-XX:FreqInlineSize=150", "-XX:InlineSmallCode=1000");

  /** An argument file and the kernels' class path for TornadoVM, from the launcher. */
  private static final String TORNADO_ARGUMENTS = "expertmesh.tornado.arguments";
  private static final String TORNADO_CLASSPATH = "expertmesh.tornado.classpath";

  private JvmCommand() {}

  /**
   * A command line of this Java, with this process's JVM options.
   *
   * @param mostlyMapped whether the process has little on its heap
   * @throws FailureException INVALID_REQUEST if the arguments name TornadoVM as backend, and this process does not know
   *     how it is started
   */
  static List<String> of(String mainClass, boolean mostlyMapped, List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElse("java"));
    if (mostlyMapped) {
      command.addAll(MOSTLY_MAPPED);
      command.addAll(SHARED_CORES);
    }
    for (String option : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
      if (!option.startsWith("-agentlib") && !option.startsWith("-Dexpertmesh.interactive")) {
        command.add(option);
      }
    }
    String classPath = System.getProperty("java.class.path");
    int backend = arguments.indexOf("--backend");
    if (backend >= 0 && arguments.get(backend + 1).equals("tornado")) {
      command.add("@" + ofLauncher(TORNADO_ARGUMENTS));
      classPath += File.pathSeparator + ofLauncher(TORNADO_CLASSPATH);
    }
    command.add("-cp");
    command.add(classPath);
    command.add(mainClass);
    command.addAll(arguments);
    return command;
  }

  private static String ofLauncher(String property) {
    String value = System.getProperty(property);
    if (value == null) {
      throw FailureException.invalidParameter("--backend",
          "--backend tornado needs the arguments that the launcher, ./expertmesh, finds out");
    }
    return value;
  }
}
