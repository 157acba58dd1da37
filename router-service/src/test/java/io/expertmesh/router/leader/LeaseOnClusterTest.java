package io.expertmesh.router.leader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.expertmesh.router.leader.LeaseLeadership.Timing;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With the API server of KUBECONFIG, and the rights that the chart gives: on one Lease, and to make one. */
class LeaseOnClusterTest {
  private static final String NAMESPACE = "expertmesh-lease-test";

  @TempDir
  private Path folder = Path.of("");

  private static String kubectl(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("kubectl"));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(String.join(" ", command)).isZero();
    return said;
  }

  private KubernetesApi api(URI server, String who) throws IOException, InterruptedException {
    Path account = Files.createDirectories(folder.resolve(who));
    Files.writeString(account.resolve("token"), kubectl("-n", NAMESPACE, "create", "token", "router"));
    Files.writeString(account.resolve("namespace"), NAMESPACE);
    // Made by a controller, soon after the namespace.
    kubectl("-n", NAMESPACE, "wait", "--for=create", "configmap/kube-root-ca.crt", "--timeout=60s");
    Files.writeString(account.resolve("ca.crt"),
        kubectl("-n", NAMESPACE, "get", "configmap", "kube-root-ca.crt", "-o", "jsonpath={.data.ca\\.crt}"));
    return KubernetesApi.of(server, account);
  }

  @Test
  void takesOverAndGivesBack() throws IOException, InterruptedException {
    assumeTrue(System.getenv("KUBECONFIG") != null, "needs a cluster: KUBECONFIG is not set");
    URI server = URI.create(kubectl("config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}"));
    kubectl("create", "namespace", NAMESPACE);
    try {
      kubectl("-n", NAMESPACE, "create", "serviceaccount", "router");
      kubectl("-n", NAMESPACE, "create", "role", "own", "--verb=get,update", "--resource=leases.coordination.k8s.io",
          "--resource-name=router");
      kubectl("-n", NAMESPACE, "create", "role", "make", "--verb=create", "--resource=leases.coordination.k8s.io");
      for (String role : List.of("own", "make")) {
        kubectl("-n", NAMESPACE, "create", "rolebinding", role, "--role=" + role,
            "--serviceaccount=" + NAMESPACE + ":router");
      }
      Timing timing = new Timing(Duration.ofSeconds(3), Duration.ofSeconds(2), Duration.ofMillis(300));
      Voter a = new Voter(api(server, "a"), "a", timing);
      LeaseLeadershipTest.await("a leads", () -> a.leads);
      try (Voter b = new Voter(api(server, "b"), "b", timing)) {
        LeaseLeadershipTest.await("b knows", () -> b.leadership.leader() != null);
        assertThat(kubectl("-n", NAMESPACE, "get", "lease", "router", "-o", "jsonpath={.spec.holderIdentity}"))
            .isEqualTo("a_10.0.0.1");
        a.close();
        LeaseLeadershipTest.await("b leads", () -> b.leads);
      }
    } finally {
      kubectl("delete", "namespace", NAMESPACE, "--wait=false");
    }
  }
}
