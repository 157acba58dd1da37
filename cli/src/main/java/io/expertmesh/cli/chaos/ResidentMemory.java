package io.expertmesh.cli.chaos;

import io.expertmesh.cli.cluster.ServiceProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.annotation.JsonNaming;

/** Reads every few seconds how much memory processes have, together; nothing where there is no /proc. */
public final class ResidentMemory implements AutoCloseable {
  private static final Duration PERIOD = Duration.ofSeconds(5);

  /** A process's resident memory, in MiB, at the beginning of the time, in its middle, at its end, and at most. */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  public record Course(double startMib, double middleMib, double endMib, double mostMib) {}

  private final List<ServiceProcess> processes;
  private final Queue<Double> samples = new ConcurrentLinkedQueue<>();
  private final Thread thread;

  ResidentMemory(List<ServiceProcess> processes) {
    this.processes = List.copyOf(processes);
    this.thread = Thread.ofVirtual().name("resident-memory").start(this::run);
  }

  private void run() {
    try {
      while (true) {
        samples.add(processes.stream().map(ServiceProcess::handle).filter(Objects::nonNull)
            .mapToDouble(process -> mebibytes(process.pid())).sum());
        TimeUnit.NANOSECONDS.sleep(PERIOD.toNanos());
      }
    } catch (InterruptedException done) {
      Thread.currentThread().interrupt();
    }
  }

  private static double mebibytes(long pid) {
    try (Stream<String> lines = Files.lines(Path.of("/proc", Long.toString(pid), "status"))) {
      return lines.filter(line -> line.startsWith("VmRSS:"))
          .mapToDouble(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024.0).sum();
    } catch (IOException gone) {
      return 0;
    }
  }

  Course course() {
    List<Double> all = List.copyOf(samples);
    return new Course(all.getFirst(), all.get(all.size() / 2), all.getLast(),
        all.stream().mapToDouble(Double::doubleValue).max().orElse(0));
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
