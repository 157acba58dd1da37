package io.expertmesh.cli.cluster;

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

  private JvmCommand() {}

  /**
   * A command line of this Java, with this process's JVM options.
   *
   * @param mostlyMapped whether the process has little on its heap
   */
  static List<String> of(String mainClass, boolean mostlyMapped, List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElse("java"));
    if (mostlyMapped) {
      command.addAll(MOSTLY_MAPPED);
    }
    for (String option : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
      if (!option.startsWith("-agentlib") && !option.startsWith("-Dexpertmesh.interactive")) {
        command.add(option);
      }
    }
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(mainClass);
    command.addAll(arguments);
    return command;
  }
}
