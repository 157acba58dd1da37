package io.expertmesh.model.hub;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Talks to a hub's file API: what files a model has, and their bytes from any position on. */
final class HubClient implements AutoCloseable {
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(20);
  private static final int MAX_REDIRECTS = 10;
  private static final int MAX_LISTING_BYTES = 1 << 26;

  /** The files of a model at a commit. */
  record Listing(String commit, List<HubFile> files, List<String> allNames) {}

  private final HubSettings settings;
  private final HttpClient http;

  HubClient(HubSettings settings) {
    this.settings = settings;
    HttpClient.Builder builder = HttpClient.newBuilder().connectTimeout(CONNECT_TIMEOUT)
        .followRedirects(HttpClient.Redirect.NEVER);
    ProxySelector proxies = ProxySelector.getDefault();
    if (proxies != null) {
      builder.proxy(proxies);
    }
    this.http = builder.build();
  }

  /** The files in the root of {@code model}'s main branch. */
  Listing list(String model) throws IOException {
    HttpResponse<InputStream> response = get(uri("/api/models/%s/revision/main?blobs=true".formatted(model)), 0);
    try (InputStream body = response.body()) {
      check(response, model);
      JsonNode answer = JsonMapper.shared().readTree(body.readNBytes(MAX_LISTING_BYTES));
      String commit = answer.path("sha").asString("");
      if (!commit.matches("[0-9a-f]{40}")) {
        throw new FailureException(FailureCategory.UNAVAILABLE,
            "%s does not answer as a hub does: no commit of %s".formatted(settings.endpoint(), model));
      }
      List<HubFile> files = new ArrayList<>();
      List<String> names = new ArrayList<>();
      for (JsonNode sibling : answer.path("siblings")) {
        String name = sibling.path("rfilename").asString("");
        names.add(name);
        if (name.matches("[A-Za-z0-9_][A-Za-z0-9._-]*")) {
          files.add(HubFile.of(sibling));
        }
      }
      return new Listing(commit, files, names);
    } catch (JacksonException e) {
      throw new FailureException(FailureCategory.UNAVAILABLE,
          "%s does not answer as a hub does (%s)".formatted(settings.endpoint(), e.getOriginalMessage()), e);
    }
  }

  /** The answer with {@code file}'s bytes from {@code from} on: 206, or 200 with all of them. */
  HttpResponse<InputStream> open(String model, String commit, HubFile file, long from) throws IOException {
    HttpResponse<InputStream> response = get(uri("/%s/resolve/%s/%s".formatted(model, commit, file.name())), from);
    if (response.statusCode() != 200 && response.statusCode() != 206 && response.statusCode() != 416) {
      response.body().close();
      check(response, model);
    }
    return response;
  }

  @Override
  public void close() {
    http.shutdownNow();
  }

  private URI uri(String path) {
    return URI.create(settings.endpoint() + path);
  }

  private HttpResponse<InputStream> get(URI uri, long from) throws IOException {
    URI current = uri;
    for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
      HttpResponse<InputStream> response = send(current, from);
      String location = response.headers().firstValue("location").orElse("");
      if (response.statusCode() / 100 != 3 || location.isEmpty()) {
        return response;
      }
      response.body().close();
      current = current.resolve(location);
      if (!"https".equals(current.getScheme()) && !"http".equals(current.getScheme())) {
        throw new IOException("%s redirects to %s".formatted(uri, location));
      }
    }
    throw new IOException("more than %d redirections from %s".formatted(MAX_REDIRECTS, uri));
  }

  private HttpResponse<InputStream> send(URI uri, long from) throws IOException {
    HttpRequest.Builder request = HttpRequest.newBuilder(uri).timeout(settings.stallTimeout())
        .header("User-Agent", "expertmesh").header("Accept-Encoding", "identity");
    if (from > 0) {
      request.header("Range", "bytes=%d-".formatted(from));
    }
    // Files are redirected to storage hosts, which must not see the token.
    if (settings.token() != null && sameOrigin(uri, settings.endpoint())) {
      request.header("Authorization", "Bearer " + settings.token());
    }
    try {
      return http.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FailureException(FailureCategory.CANCELLED, "The download was cancelled.", e);
    }
  }

  private static boolean sameOrigin(URI a, URI b) {
    return a.getScheme().equalsIgnoreCase(b.getScheme()) && a.getAuthority().equalsIgnoreCase(b.getAuthority());
  }

  /** Fails unless {@code response} is good: for good, or with an {@link IOException} if repeating may help. */
  private void check(HttpResponse<?> response, String model) throws IOException {
    int status = response.statusCode();
    String where = settings.endpoint() + "/" + model;
    switch (status) {
      case 200 -> {
      }
      case 401 -> throw new FailureException(FailureCategory.NOT_FOUND, settings.token() == null
          ? "%s does not exist or needs a token; check the name, or set HF_TOKEN".formatted(where)
          : "%s does not exist, or HF_TOKEN does not open it; check both".formatted(where));
      case 403 -> throw new FailureException(FailureCategory.NOT_FOUND,
          "%s is not open to you; ask for access on that page and set HF_TOKEN".formatted(where));
      case 404 -> throw new FailureException(FailureCategory.NOT_FOUND,
          "%s does not exist, neither as a folder or file here nor on the hub; check the name (%s)"
              .formatted(model, where));
      default -> {
        if (status == 408 || status == 429 || status >= 500) {
          throw new IOException("%s answers %d".formatted(where, status));
        }
        throw new FailureException(FailureCategory.UNAVAILABLE, "%s answers %d".formatted(where, status));
      }
    }
  }
}
