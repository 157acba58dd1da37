package io.expertmesh.router.leader;

import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.MissingNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The router that holds a Lease of Kubernetes leads, as other controllers do (client-go's leaderelection): it renews the
 * Lease and stops to lead when it could not for a while, which is over before others may take the Lease. They go by
 * their own clock, from when they saw the Lease change, so that the clocks of nodes may differ.
 */
public final class LeaseLeadership implements Leadership {
  /**
   * @param lease how long a Lease that is not renewed holds; whole seconds
   * @param renew how long a leader may fail to renew
   * @param retry from one try to the next
   */
  record Timing(Duration lease, Duration renew, Duration retry) {
    static final Timing DEFAULT = new Timing(Duration.ofSeconds(10), Duration.ofSeconds(7), Duration.ofMillis(1500));
  }

  private static final Logger log = LoggerFactory.getLogger(LeaseLeadership.class);
  private static final DateTimeFormatter MICROS = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS'Z'")
      .withZone(ZoneOffset.UTC);

  private final KubernetesApi api;
  private final String name;
  private final RouterIdentity self;
  private final Timing timing;
  private @Nullable Thread thread;
  private volatile boolean closed;
  private volatile @Nullable RouterIdentity holder;

  // Of the thread.
  private boolean leads;
  private long renewedNanos;
  private JsonNode observed = MissingNode.getInstance();
  private long observedNanos;
  private @Nullable String lastTrouble;

  LeaseLeadership(KubernetesApi api, String name, RouterIdentity self, Timing timing) {
    this.api = api;
    this.name = name;
    this.self = self;
    this.timing = timing;
  }

  /**
   * For a router that is a pod.
   *
   * @param name of the Lease, in the pod's namespace; it is made if it does not exist
   * @param self this router, among those that want the Lease
   * @throws FailureException INVALID_REQUEST if this is no pod with a token
   */
  public static LeaseLeadership ofThisPod(String name, RouterIdentity self) {
    return new LeaseLeadership(KubernetesApi.ofThisPod(System.getenv()), name, self, Timing.DEFAULT);
  }

  @Override
  public @Nullable RouterIdentity leader() {
    return holder;
  }

  @Override
  public void start(Candidate candidate) {
    Thread running = Thread.ofPlatform().daemon().name("leader-lease").unstarted(() -> run(candidate));
    thread = running;
    running.start();
  }

  private void run(Candidate candidate) {
    try {
      while (!closed) {
        boolean held = tryToHold();
        long now = System.nanoTime();
        if (held && !leads) {
          leads = true;
          candidate.lead();
        } else if (leads && !held && (!self.equals(holder) || now - renewedNanos >= timing.renew().toNanos())) {
          leads = false;
          log.warn("The lease {} is not this router's any more", name);
          candidate.follow();
        }
        Thread.sleep(timing.retry());
      }
    } catch (InterruptedException stopped) {
      // It is given back below.
    }
    giveBack();
  }

  /** Whether this router holds the Lease, as it has just heard. */
  private boolean tryToHold() throws InterruptedException {
    long asked = System.nanoTime();
    try {
      ObjectNode lease = read();
      JsonNode spec = lease.path("spec");
      if (!spec.equals(observed)) {
        observed = spec;
        observedNanos = asked;
      }
      String holding = spec.path("holderIdentity").asString("");
      holder = holding.isEmpty() ? null : RouterIdentity.of(holding);
      Duration valid = Duration.ofSeconds(spec.path("leaseDurationSeconds").asLong(timing.lease().toSeconds()));
      boolean mine = holding.equals(self.toString());
      if (!mine && !holding.isEmpty() && asked - observedNanos < valid.toNanos()) {
        lastTrouble = null;
        return false;
      }
      write(lease, self.toString());
      holder = self;
      renewedNanos = asked;
      lastTrouble = null;
      return true;
    } catch (KubernetesApi.Refused refused) {
      if (refused.status != 409) { // another router was quicker
        trouble(refused.toString());
      }
    } catch (HttpTimeoutException late) {
      trouble("the API server did not answer in time");
    } catch (IOException broken) {
      trouble(broken.toString());
    }
    return false;
  }

  private ObjectNode read() throws IOException, InterruptedException {
    try {
      return api.get(name);
    } catch (KubernetesApi.Refused none) {
      if (none.status != 404) {
        throw none;
      }
      ObjectNode lease = JsonMapper.shared().createObjectNode().put("apiVersion", "coordination.k8s.io/v1")
          .put("kind", "Lease");
      lease.putObject("metadata").put("name", name);
      return api.create(lease);
    }
  }

  private void write(ObjectNode lease, String next) throws IOException, InterruptedException {
    ObjectNode spec = lease.withObject("spec");
    String now = MICROS.format(Instant.now());
    if (!spec.path("holderIdentity").asString("").equals(next)) {
      spec.put("holderIdentity", next).put("acquireTime", now)
          .put("leaseTransitions", spec.path("leaseTransitions").asInt(0) + 1);
    }
    // One that was given back may be taken at once.
    spec.put("leaseDurationSeconds", next.isEmpty() ? 1 : timing.lease().toSeconds()).put("renewTime", now);
    api.replace(name, lease);
  }

  private void trouble(String what) {
    if (!what.equals(lastTrouble)) {
      lastTrouble = what;
      log.warn("The lease {} cannot be taken or renewed: {}; trying again", name, what);
    }
  }

  /** So that another can lead at once. */
  private void giveBack() {
    if (leads) {
      try {
        ObjectNode lease = api.get(name);
        if (lease.path("spec").path("holderIdentity").asString("").equals(self.toString())) {
          write(lease, "");
        }
      } catch (IOException failed) {
        log.warn("The lease {} could not be given back: {}", name, failed.toString());
      } catch (InterruptedException impatient) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    Thread running = thread;
    if (running != null) {
      running.interrupt();
      try {
        boolean _ = running.join(timing.renew());
      } catch (InterruptedException impatient) {
        Thread.currentThread().interrupt();
      }
    }
    api.close();
  }
}
