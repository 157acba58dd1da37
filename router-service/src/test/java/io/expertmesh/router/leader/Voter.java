package io.expertmesh.router.leader;

import io.expertmesh.router.leader.LeaseLeadership.Timing;
import java.time.Duration;

/** A router that does nothing but strive for a lease, and how often it led. */
final class Voter implements Leadership.Candidate, AutoCloseable {
  static final Timing QUICK = new Timing(Duration.ofSeconds(1), Duration.ofMillis(600), Duration.ofMillis(30));

  final LeaseLeadership leadership;
  volatile boolean leads;
  volatile long changedNanos;

  Voter(KubernetesApi api, String name, Timing timing) {
    leadership = new LeaseLeadership(api, "router", new RouterIdentity(name, "10.0.0.1"), timing);
    leadership.start(this);
  }

  @Override
  public void lead() {
    changedNanos = System.nanoTime();
    leads = true;
  }

  @Override
  public void follow() {
    changedNanos = System.nanoTime();
    leads = false;
  }

  @Override
  public void close() {
    leadership.close();
  }
}
