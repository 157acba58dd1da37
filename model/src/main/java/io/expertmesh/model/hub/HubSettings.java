package io.expertmesh.model.hub;

import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where models come from; the same variables and defaults as Python's {@code huggingface_hub}.
 *
 * @param cache folder of {@code models--ORG--NAME}
 * @param endpoint of the hub, without a slash at the end
 * @param token sent to the endpoint's host alone
 * @param offline whether only the cache is used
 * @param retryDelay pause before the first repetition; later ones wait longer
 * @param stallTimeout how long a connection may bring nothing
 */
public record HubSettings(Path cache, URI endpoint, @Nullable String token, boolean offline, Duration retryDelay,
    Duration stallTimeout) {

  /** From {@code HF_HUB_CACHE}, {@code HF_HOME}, {@code HF_ENDPOINT}, {@code HF_TOKEN}, {@code HF_HUB_OFFLINE}. */
  public static HubSettings fromEnvironment() {
    return from(System.getenv(), Path.of(System.getProperty("user.home")));
  }

  static HubSettings from(Map<String, String> environment, Path userHome) {
    String cacheHome = environment.getOrDefault("XDG_CACHE_HOME", "");
    String hubHome = environment.getOrDefault("HF_HOME", "");
    String hubCache = environment.getOrDefault("HF_HUB_CACHE", "");
    Path base = cacheHome.isEmpty() ? userHome.resolve(".cache") : Path.of(cacheHome);
    Path home = hubHome.isEmpty() ? base.resolve("huggingface") : Path.of(hubHome);
    Path cache = hubCache.isEmpty() ? home.resolve("hub") : Path.of(hubCache);
    String endpoint = environment.getOrDefault("HF_ENDPOINT", "https://huggingface.co").replaceAll("/+$", "");
    String offline = environment.getOrDefault("HF_HUB_OFFLINE", "");
    return new HubSettings(cache, endpoint(endpoint), token(environment, home),
        offline.equals("1") || offline.equalsIgnoreCase("true"), Duration.ofSeconds(1), Duration.ofSeconds(60));
  }

  private static URI endpoint(String endpoint) {
    try {
      URI uri = new URI(endpoint);
      if (uri.getHost() != null && ("https".equals(uri.getScheme()) || "http".equals(uri.getScheme()))) {
        return uri;
      }
    } catch (URISyntaxException e) {
      // Refused below.
    }
    throw FailureException.invalidParameter("HF_ENDPOINT",
        "HF_ENDPOINT is '%s', which is not the address of a hub such as https://huggingface.co".formatted(endpoint));
  }

  /** {@code HF_TOKEN}, or the file that {@code huggingface-cli login} writes. */
  private static @Nullable String token(Map<String, String> environment, Path home) {
    String token = environment.getOrDefault("HF_TOKEN", "").strip();
    Path file = home.resolve("token");
    if (token.isEmpty() && Files.isReadable(file)) {
      try {
        token = Files.readString(file).strip();
      } catch (IOException e) {
        return null;
      }
    }
    return token.isEmpty() ? null : token;
  }

  @Override
  public String toString() {
    return "HubSettings[cache=%s, endpoint=%s, token=%s, offline=%s]"
        .formatted(cache, endpoint, token == null ? "none" : "set", offline);
  }
}
