package io.expertmesh.gateway.versions;

import io.expertmesh.gateway.remote.RoutingTables;
import io.expertmesh.model.failure.FailureException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which requests go to which version. May be changed at any time; requests that run stay where they are. */
public final class TrafficShares {
  /**
   * @param percent 0 to 100, of the requests that no key decides
   * @param keys names of API keys whose requests all go to the version
   */
  public record Share(String version, double percent, List<String> keys) {
    public Share {
      keys = List.copyOf(keys);
      if (!(percent >= 0 && percent <= 100)) {
        throw FailureException.invalidParameter("percent",
            "the share of version '%s' is %s percent; it must be between 0 and 100".formatted(version, percent));
      }
    }
  }

  private static final double ROUNDING = 1e-6;

  private volatile List<Share> shares = List.of();

  /**
   * Replaces all shares. What they leave goes to the main version.
   *
   * @throws FailureException INVALID_REQUEST if they are more than 100 percent together
   */
  public void set(List<Share> next) {
    double sum = next.stream().mapToDouble(Share::percent).sum();
    if (sum > 100 + ROUNDING) {
      throw FailureException.invalidParameter("percent",
          "the shares are %s percent together; they must not be more than 100".formatted(sum));
    }
    shares = List.copyOf(next);
  }

  /** Takes the shares of the routing table, now and whenever they change. */
  public void follow(RoutingTables tables) {
    tables.follow(table -> set(table.getTrafficList().stream()
        .map(share -> new Share(share.getVersion(), share.getPercent(), share.getKeysList())).toList()));
  }

  public List<Share> shares() {
    return shares;
  }

  /**
   * The version for a request: that of its key, otherwise by percentage. The same id always falls into the same share.
   *
   * @param key name of the caller's API key, if there is one
   * @return null if no share takes it
   */
  @Nullable
  String choose(String requestId, @Nullable String key) {
    List<Share> current = shares;
    for (Share share : current) {
      if (key != null && share.keys().contains(key)) {
        return share.version();
      }
    }
    double place = percentile(requestId);
    for (Share share : current) {
      place -= share.percent();
      if (place < 0) {
        return share.version();
      }
    }
    return null;
  }

  /** A number in [0, 100) that similar ids do not share: the finaliser of SplitMix64 over the id's hash. */
  private static double percentile(String id) {
    long z = id.hashCode() + 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return ((z ^ (z >>> 31)) >>> 11) * 0x1p-53 * 100;
  }
}
