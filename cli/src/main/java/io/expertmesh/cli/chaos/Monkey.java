package io.expertmesh.cli.chaos;

import io.expertmesh.cli.cluster.Cluster;
import io.expertmesh.cli.cluster.Cluster.Expert;
import io.expertmesh.cli.cluster.ServiceProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Does something bad to one process after the other, never to the last replica of a group that the gateways can use:
 * what happens then is a matter of policy and not of fail-over.
 */
final class Monkey {
  /** What was done to whom, and when, in {@link System#nanoTime}. */
  record Act(Fault fault, String process, long nanos) {}

  private final Cluster cluster;
  private final ConnectedReplicas connected;
  private final List<Fault> faults;
  private final Random random;
  private final Set<ServiceProcess> suffering = new HashSet<>();
  private final List<Act> acts = new ArrayList<>();

  Monkey(Cluster cluster, ConnectedReplicas connected, List<Fault> faults, long seed) {
    this.cluster = cluster;
    this.connected = connected;
    this.faults = List.copyOf(faults);
    this.random = new Random(seed);
  }

  /** Acts once per {@code every} for {@code duration}, and returns what was done. */
  List<Act> run(Duration duration, Duration every) throws InterruptedException {
    long start = System.nanoTime();
    List<Thread> lasting = new ArrayList<>();
    for (long turn = 1; !faults.isEmpty() && turn * every.toNanos() <= duration.toNanos(); turn++) {
      sleepUntil(start + turn * every.toNanos() - every.toNanos() / 2);
      Fault fault = faults.get(random.nextInt(faults.size()));
      ServiceProcess victim = victim(fault);
      ProcessHandle process = victim == null ? null : victim.handle();
      if (victim != null && process != null) {
        acts.add(new Act(fault, victim.name(), System.nanoTime()));
        lasting.add(Thread.ofVirtual().start(() -> act(fault, victim, process)));
      }
    }
    sleepUntil(start + duration.toNanos());
    for (Thread thread : lasting) {
      thread.join();
    }
    return List.copyOf(acts);
  }

  private void act(Fault fault, ServiceProcess victim, ProcessHandle process) {
    synchronized (suffering) {
      suffering.add(victim);
    }
    try {
      fault.to(process);
    } catch (IOException e) {
      throw new IllegalStateException("a process cannot be stopped: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      synchronized (suffering) {
        suffering.remove(victim);
      }
    }
  }

  private @Nullable ServiceProcess victim(Fault fault) throws InterruptedException {
    if (fault == Fault.ROUTER) {
      return cluster.router();
    }
    Set<String> usable = connected.names();
    List<ServiceProcess> candidates = new ArrayList<>();
    for (Expert expert : cluster.experts()) {
      boolean spare = cluster.experts().stream()
          .anyMatch(other -> other.group() == expert.group() && other.replica() != expert.replica()
              && healthy(other.process(), usable));
      if (spare && healthy(expert.process(), usable)) {
        candidates.add(expert.process());
      }
    }
    return candidates.isEmpty() ? null : candidates.get(random.nextInt(candidates.size()));
  }

  private boolean healthy(ServiceProcess process, Set<String> usable) {
    synchronized (suffering) {
      return process.handle() != null && process.ready().isDone() && usable.contains(process.name())
          && !suffering.contains(process);
    }
  }

  private static void sleepUntil(long nanos) throws InterruptedException {
    long left = nanos - System.nanoTime();
    if (left > 0) {
      TimeUnit.NANOSECONDS.sleep(left);
    }
  }
}
