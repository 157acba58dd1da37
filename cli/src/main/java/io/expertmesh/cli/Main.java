package io.expertmesh.cli;

/** Starts the command line. */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) {
    eraseIncubatorWarning();
    System.exit(ExpertMeshCommand.commandLine().execute(arguments));
  }

  /**
   * The JVM announces on standard error that the Vector API is an incubator module, before any code of ours runs and
   * without a switch. On a terminal (the launcher says so) that line is taken back.
   */
  private static void eraseIncubatorWarning() {
    boolean announced = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
    if (announced && Boolean.getBoolean("expertmesh.stderr.terminal")) {
      System.err.print("\033[1A\033[2K");
      System.err.flush();
    }
  }
}
