package io.expertmesh.router.leader;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.failure.IoReason;
import io.expertmesh.transport.Addresses;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The Leases of one namespace in the API server of a cluster. Three calls; a client library would bring the types
 * of all of Kubernetes, in 51 jars.
 */
final class KubernetesApi implements AutoCloseable {
  /** An answer that is not a success. */
  static final class Refused extends IOException {
    private static final long serialVersionUID = 1L;
    final int status;

    Refused(int status, String message) {
      super(message);
      this.status = status;
    }
  }

  private static final Path ACCOUNT = Path.of("/var/run/secrets/kubernetes.io/serviceaccount");
  /** Much less than the time in which a leader has to renew. */
  private static final Duration PATIENCE = Duration.ofSeconds(3);
  private static final int LONGEST_REASON = 300;

  private final URI leases;
  private final Path token;
  private final HttpClient client;

  private KubernetesApi(URI server, String namespace, Path token, HttpClient.Builder client) {
    this.leases = server.resolve("/apis/coordination.k8s.io/v1/namespaces/" + namespace + "/leases/");
    this.token = token;
    this.client = client.connectTimeout(PATIENCE).version(HttpClient.Version.HTTP_1_1).build();
  }

  /**
   * As every pod reaches it that has its ServiceAccount's token.
   *
   * @throws FailureException INVALID_REQUEST if this is no such pod
   */
  static KubernetesApi ofThisPod(Map<String, String> environment) {
    String host = environment.get("KUBERNETES_SERVICE_HOST");
    String port = environment.getOrDefault("KUBERNETES_SERVICE_PORT", "443");
    if (host == null || !Files.exists(ACCOUNT.resolve("token"))) {
      throw new FailureException(FailureCategory.INVALID_REQUEST,
          "A leader lease needs a pod of Kubernetes with the token of its ServiceAccount (automountServiceAccountToken): %s"
              .formatted(
                  host == null ? "KUBERNETES_SERVICE_HOST is not set" : ACCOUNT.resolve("token") + " is not there"));
    }
    return of(URI.create("https://" + Addresses.of(host, Integer.parseInt(port))), ACCOUNT);
  }

  /**
   * @param server such as {@code https://10.96.0.1:443}; http for one without TLS
   * @param account a folder with the files token, namespace and, for https, ca.crt
   * @throws FailureException INVALID_REQUEST if a file cannot be used
   */
  static KubernetesApi of(URI server, Path account) {
    try {
      HttpClient.Builder client = HttpClient.newBuilder();
      if (server.getScheme().equals("https")) {
        client.sslContext(trusting(account.resolve("ca.crt")));
      }
      return new KubernetesApi(server, Files.readString(account.resolve("namespace")).strip(), account.resolve("token"),
          client);
    } catch (IOException | GeneralSecurityException unusable) {
      String reason = unusable instanceof IOException io ? IoReason.of(io) : String.valueOf(unusable.getMessage());
      throw new FailureException(FailureCategory.INVALID_REQUEST,
          "The files of the ServiceAccount in %s cannot be used: %s".formatted(account, reason), unusable);
    }
  }

  private static SSLContext trusting(Path authorities) throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (InputStream file = Files.newInputStream(authorities)) {
      for (Certificate certificate : CertificateFactory.getInstance("X.509").generateCertificates(file)) {
        store.setCertificateEntry("ca-" + store.size(), certificate);
      }
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  /** @throws Refused with status 404 if there is none */
  ObjectNode get(String lease) throws IOException, InterruptedException {
    return send("GET", lease, BodyPublishers.noBody());
  }

  /** @throws Refused with status 409 if there is one already */
  ObjectNode create(ObjectNode lease) throws IOException, InterruptedException {
    return send("POST", "", BodyPublishers.ofString(lease.toString()));
  }

  /** @throws Refused with status 409 if it is not as it was when it was read any more */
  ObjectNode replace(String name, ObjectNode lease) throws IOException, InterruptedException {
    return send("PUT", name, BodyPublishers.ofString(lease.toString()));
  }

  private ObjectNode send(String method, String lease, BodyPublisher body) throws IOException, InterruptedException {
    // The token is read anew because the kubelet replaces it every hour.
    HttpRequest request = HttpRequest.newBuilder(lease.isEmpty() ? stripped(leases) : leases.resolve(lease))
        .timeout(PATIENCE)
        .header("Authorization", "Bearer " + Files.readString(token).strip())
        .header("Content-Type", "application/json")
        .header("Accept", "application/json")
        .method(method, body)
        .build();
    HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
    JsonNode answer;
    try {
      answer = JsonMapper.shared().readTree(response.body());
    } catch (JacksonException noJson) {
      answer = JsonMapper.shared().createObjectNode().put("message", response.body());
    }
    if (response.statusCode() / 100 != 2 || !(answer instanceof ObjectNode object)) {
      String reason = answer.path("message").asString(response.body());
      throw new Refused(response.statusCode(), "%s of a lease: status %d, %s".formatted(method, response.statusCode(),
          reason.substring(0, Math.min(reason.length(), LONGEST_REASON))));
    }
    return object;
  }

  private static URI stripped(URI folder) {
    String text = folder.toString();
    return URI.create(text.substring(0, text.length() - 1));
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}
