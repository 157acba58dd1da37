package io.expertmesh.cli.chaos;

import java.io.IOException;
import java.util.concurrent.TimeUnit;

/** What is done to a process. */
public enum Fault {
  /** SIGKILL to a replica. */
  KILL,
  /** SIGSTOP: the replica hangs but does not die; it goes on after some seconds. */
  STOP,
  /** The replica is stopped for most of the time, in short turns. */
  SLOW,
  /** SIGKILL to the router. */
  ROUTER;

  /** How long a process is stopped or slowed. */
  static final int SECONDS = 3;
  private static final int SLOW_STOPPED_MILLIS = 40;
  private static final int SLOW_RUNNING_MILLIS = 10;

  /** Does it, and for those that last, waits until it is over. */
  void to(ProcessHandle process) throws IOException, InterruptedException {
    switch (this) {
      case KILL, ROUTER -> process.destroyForcibly();
      case STOP -> {
        signal("STOP", process);
        TimeUnit.SECONDS.sleep(SECONDS);
        signal("CONT", process);
      }
      case SLOW -> {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
        while (System.nanoTime() < end) {
          signal("STOP", process);
          TimeUnit.MILLISECONDS.sleep(SLOW_STOPPED_MILLIS);
          signal("CONT", process);
          TimeUnit.MILLISECONDS.sleep(SLOW_RUNNING_MILLIS);
        }
      }
    }
  }

  private static void signal(String name, ProcessHandle process) throws IOException, InterruptedException {
    new ProcessBuilder("sh", "-c", "kill -" + name + " " + process.pid()).inheritIO().start().waitFor();
  }
}
